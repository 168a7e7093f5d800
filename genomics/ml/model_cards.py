"""The card that is kept with a model: what it was made of, how good it is, and what it is not for."""

import hashlib
import importlib.metadata
import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import genomics
from genomics.contracts.features import Tier
from genomics.ml.models import Model
from genomics.ml.preparation import ContextScope
from genomics.ml.splits import SplitKind
from genomics.ml.tables import TrainingTable
from genomics.ml.training import Scored

CARD, DATA = "card.md", "card.json"

INTENDED_USE = (
    "Research: to rank variants by how likely laboratories are to classify them differently, and to study what such "
    "variants share. Not for diagnosis, and no statement about whether a variant causes disease."
)
LIMITS = (
    "The label is what submitters wrote, by the release the data come from; a later release may say otherwise.",
    "Only variants that several laboratories have classified were learned from; others differ from them.",
    "Genes with many submissions weigh most. The gene-held-out figures say what to expect of genes not seen.",
)
_LIMITS_OF_B = (
    "Tier B reads conditions and identifiers that come with submissions, which grow with their number: it says "
    "nothing of a variant that nobody has submitted.",
)
_LIMITS_OF_TABLE = (
    "Context features compare with the rows that were predicted in the test, too (transductive, without labels); "
    "see the strict figures for variants that come one by one.",
)
_NAMES = {
    "roc_auc": "ROC AUC",
    "pr_auc": "PR AUC",
    "f1": "F1 at the threshold",
    "balanced_accuracy": "Balanced accuracy at the threshold",
    "brier": "Brier score",
    "calibration_error": "Calibration error",
}


def code_version() -> str:
    """The package's version, and a digest of the code that makes features and models."""
    root = Path(genomics.__file__).parent
    digest = hashlib.sha256()
    for path in sorted((*root.glob("contracts/*.py"), *root.glob("ml/**/*.py"))):
        digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes())
    try:
        version = importlib.metadata.version("genomics-platform")
    except importlib.metadata.PackageNotFoundError:
        version = "not installed"
    return f"{version} ({digest.hexdigest()[:12]})"


def card_of(scored: Scored, table: TrainingTable) -> dict[str, Any]:
    """What the card says, as data."""
    model, split, evaluation = scored.model, scored.split, scored.evaluation
    recipe = model.preparation.recipe
    limits = [*LIMITS]
    if recipe.tier is Tier.B:
        limits += _LIMITS_OF_B
    if recipe.scope is ContextScope.TABLE:
        limits += _LIMITS_OF_TABLE
    return {
        "intended_use": INTENDED_USE,
        "known_limits": limits,
        "data": {
            "sha256": table.sha256,
            "rows": len(table),
            "conflicts": int(table.labels.sum()),
            "duplicates_left_out": table.duplicates,
        },
        "code_version": code_version(),
        "tier": str(recipe.tier),
        "context": str(recipe.scope),
        "features": len(model.preparation.features),
        "split": {
            "kind": str(split.kind),
            "seed": split.seed,
            "training_rows": len(split.train),
            "test_rows": len(split.test),
        },
        "model": [{"algorithm": str(p.candidate.algorithm), "weight": p.weight} for p in model.parts],
        "trials": model.about["trials"],
        "threshold": evaluation.threshold,
        "metrics": {name: asdict(estimate) for name, estimate in evaluation.metrics.items()},
        "confusion": asdict(evaluation.confusion),
    }


def card_as_text(card: Mapping[str, Any]) -> str:
    """The card as Markdown."""
    data, split = card["data"], card["split"]
    what = "genes that are not in the training" if split["kind"] == SplitKind.GENE else "rows that are not in it"
    lines = [
        f"# Model card: conflicting classifications, tier {card['tier']}",
        "",
        f"**Intended use.** {card['intended_use']}",
        "",
        f"**Data.** {data['rows']:,} variants, {data['conflicts']:,} in conflict; SHA-256 `{data['sha256']}`.",
        f"**Code.** {card['code_version']}; {card['features']} features, context: {card['context']}.",
        f"**Split.** {split['kind']}, seed {split['seed']}: {split['training_rows']:,} rows for training; tested on "
        f"{split['test_rows']:,} of {what}.",
        f"**Model.** {', '.join(part['algorithm'] for part in card['model'])}; threshold {card['threshold']:.3f}, "
        "tuned on validation rows.",
        "",
        "| metric | value | 95 % interval |",
        "|---|---|---|",
        *(
            f"| {_NAMES[name]} | {found['value']:.3f} | {found['low']:.3f} to {found['high']:.3f} |"
            for name, found in card["metrics"].items()
        ),
        "",
        "**Known limits**",
        "",
        *(f"- {limit}" for limit in card["known_limits"]),
        "",
    ]
    return "\n".join(lines)


def save_with_card(scored: Scored, table: TrainingTable, directory: Path) -> Model:
    """Keep the model, its split and its card in a directory."""
    card = card_of(scored, table)
    kept = Model(scored.model.preparation, scored.model.parts, scored.model.threshold, card)
    kept.save(directory)
    scored.split.save(table, directory / "split.csv")
    (directory / CARD).write_text(card_as_text(card))
    (directory / DATA).write_text(json.dumps(card, indent=1))
    return kept
