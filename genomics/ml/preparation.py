"""From examples to the matrix that a model sees: which features, in what context, fitted on training rows only."""

from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd

from genomics.contracts.features import Feature, Tier
from genomics.contracts.submission_features import SUBMISSION_FEATURES
from genomics.contracts.variant_features import VARIANT_FEATURES
from genomics.ml.condition_context import CONDITION_CONTEXT_FEATURES, ConditionContext
from genomics.ml.encodings import LabelEncodings, encode_out_of_fold, encoded_features, fit_encodings
from genomics.ml.gene_context import GENE_CONTEXT_FEATURES, Floats, GeneContext
from genomics.ml.tables import Examples, Labels

Matrix = npt.NDArray[np.float32]


class ContextScope(StrEnum):
    """Which variants a variant is compared with.

    TABLE (transductive): those of the training rows and of the rows to be predicted, whose labels nobody needs.
    TRAINING (inductive, strict): training rows only. UNSEEN_GENES: training rows only, and no other of the same gene or
    neighbourhood, as for a gene that has never been seen.
    """

    TABLE = "table"
    TRAINING = "training"
    UNSEEN_GENES = "unseen_genes"


@dataclass(frozen=True)
class Recipe:
    """What a model is made of. `genes_known`: variants that are predicted lie in genes whose labels are known."""

    tier: Tier
    scope: ContextScope = ContextScope.TABLE
    genes_known: bool = True
    seed: int = 0

    @property
    def row_features(self) -> tuple[Feature, ...]:
        """Those that each row tells."""
        return (*VARIANT_FEATURES, *(SUBMISSION_FEATURES if self.tier is Tier.B else ()))


@dataclass(frozen=True)
class Preparation:
    """A recipe with what it learned: `reference` is the context's variants, `encodings` what the labels told."""

    recipe: Recipe
    reference: pd.DataFrame
    encodings: LabelEncodings

    @property
    def features(self) -> tuple[Feature, ...]:
        """The matrix's columns, in order."""
        encoded = encoded_features(self.recipe.tier, genes_known=self.recipe.genes_known)
        found = (*self.recipe.row_features, *GENE_CONTEXT_FEATURES, *encoded)
        if self._conditions is None:
            return found
        return (*found, *CONDITION_CONTEXT_FEATURES, *self._conditions.word_features)

    def matrix(self, examples: Examples) -> Matrix:
        """The features of variants that are to be predicted."""
        return self._assembled(examples, self.encodings.encode(examples.context))

    def training_matrix(self, training: Examples, labels: Labels) -> Matrix:
        """The features of the training rows: no row's encoding knows its own label."""
        recipe = self.recipe
        encoded = encode_out_of_fold(training.context, labels, genes_known=recipe.genes_known, seed=recipe.seed)
        return self._assembled(training, encoded)

    @cached_property
    def _genes(self) -> GeneContext:
        hidden = self.recipe.scope is ContextScope.UNSEEN_GENES
        return GeneContext(self.reference.iloc[:0] if hidden else self.reference)

    @cached_property
    def _conditions(self) -> ConditionContext | None:
        if self.recipe.tier is Tier.A:
            return None
        return ConditionContext(self.reference, genes=self.recipe.scope is not ContextScope.UNSEEN_GENES)

    def _assembled(self, examples: Examples, encoded: dict[str, Floats]) -> Matrix:
        columns = encoded | {name: values.to_numpy() for name, values in examples.values.items()}
        columns |= self._genes.features(examples.context)
        if self._conditions:
            columns |= self._conditions.features(examples.context)
        return np.column_stack([columns[feature.name] for feature in self.features]).astype(np.float32)


def prepare(recipe: Recipe, training: Examples, labels: Labels, *, unlabelled: Examples | None = None) -> Preparation:
    """Fit a recipe on training rows. `unlabelled` are further variants for the context, where its scope is TABLE."""
    reference = training.context
    if recipe.scope is ContextScope.TABLE and unlabelled is not None:
        reference = pd.concat([reference, unlabelled.context], ignore_index=True)
    return Preparation(recipe, reference, fit_encodings(training.context, labels))
