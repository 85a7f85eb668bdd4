"""What is right: observations, contracts, the tolerance of a comparison, and the laws' view of an example."""
