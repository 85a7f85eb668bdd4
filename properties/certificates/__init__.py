"""What was checked and what came of it: certificates, their events, causes and comparison."""
