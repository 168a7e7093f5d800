"""Assets are cut from the repository's root with their parents, so that imports are the same everywhere."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CONTRACTS = ("genomics/__init__.py", "genomics/contracts")
_NEVER = ("__pycache__", "*.pyc", "*.md", ".*")


def only(*paths: str) -> list[str]:
    """Exclude patterns (for `IgnoreMode.GIT`) that leave these files and whole directories of the root, no others."""
    patterns = ["/*"]
    opened: set[str] = set()
    for path in paths:
        parts = path.split("/")
        for depth in range(1, len(parts)):
            parent = "/".join(parts[:depth])
            if parent not in opened:
                opened.add(parent)
                # A file is only found again if its directory is; the directory's other entries stay away.
                patterns += [f"!/{parent}", f"/{parent}/*"]
        patterns.append(f"!/{path}")
    return [*patterns, *_NEVER]
