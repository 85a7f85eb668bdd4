"""Where mutants are entered by the law that they were made for, and wrong twins by the contract that they break."""

MUTANTS = {}
TWINS = {}

CE, GHM, FOCAL, COST, TOP_K = "cross_entropy", "ghm", "focal", "cost_sensitive", "average_top_k"
SIGMOID_FOCAL, SIGMOID_GHM, GHM_R = "sigmoid_focal", "sigmoid_ghm", "ghm_regression"


def refutes(law, contract):
    """Enter a mutant for a law under a contract."""

    def enter(mutant):
        MUTANTS[law] = (contract, f"{mutant.__module__}:{mutant.__name__}")
        return mutant

    return enter


def breaks(contract):
    """Enter a wrong twin of a sound loss, made without any law in mind."""

    def enter(twin):
        TWINS[twin.__name__] = (contract, f"{twin.__module__}:{twin.__name__}")
        return twin

    return enter
