"""Where mutants are entered by the law that they were made for."""

MUTANTS = {}

CE, GHM = "cross_entropy", "ghm"


def refutes(law, contract):
    """Enter a mutant for a law under a contract."""

    def enter(mutant):
        MUTANTS[law] = (contract, f"{mutant.__module__}:{mutant.__name__}")
        return mutant

    return enter
