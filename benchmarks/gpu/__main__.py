"""Check and measure this package on a GPU, within a few minutes.

    python -m benchmarks.gpu

The most important results come first, and each is written when it is known, so that a run that is
cut off still counts; `--resume` continues it. Inputs and, for a machine that reaches no package
registry, the packages are in the folder `.gpu`: see `python -m benchmarks.gpu.pack --help`.
"""

import argparse
from pathlib import Path

from benchmarks.gpu.offline import use_archive

ROOT = Path(__file__).parents[2]


def make_parser() -> argparse.ArgumentParser:
    """The options of the command. typer may be in the archive only."""
    parser = argparse.ArgumentParser(prog="benchmarks.gpu", description=__doc__.split("\n")[0])
    parser.add_argument("stage", nargs="?", help="only this stage; all if none")
    parser.add_argument("--inputs", type=Path, default=ROOT / ".gpu", help="folder of `pack`")
    parser.add_argument("--results", type=Path, help="folder of the results")
    parser.add_argument("--work", type=Path, help="folder for checkpoints and pipelines")
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--minutes", type=float, default=8.0, help="for everything")
    parser.add_argument("--quick", action="store_true", help="tiny sizes, to see that all runs")
    parser.add_argument("--resume", action="store_true", help="continue an interrupted run")
    parser.add_argument("--deadline", type=float, help=argparse.SUPPRESS)
    return parser


if __name__ == "__main__":
    arguments = make_parser().parse_args()
    # Nothing that the archive has may be imported before.
    use_archive(arguments.inputs)
    from benchmarks.gpu.stages import main

    main(arguments)
