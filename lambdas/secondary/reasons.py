"""Why a step runs, in plain words: what has changed since its sample was last planned."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping

from genomics.contracts.steps import SCATTERED_BY, LatestRecipes, Recipe, Step, recipe_name

FIRST = "no earlier result"
UNFINISHED = "the earlier run left no result"


def why_run(
    *, recipe: Recipe, part: str, sources: Mapping[str, Step], latest: LatestRecipes, running: Collection[str]
) -> str:
    """Why a step whose outputs do not exist is run.

    `sources` are the steps that make its inputs, `running` the fingerprints of the steps that run before it.
    """
    earlier = latest.recipes.get(recipe_name(recipe.step, part))
    if earlier is None:
        known = any(other.step is recipe.step for other in latest.recipes.values())
        return f"{SCATTERED_BY[recipe.step]} {part} is new" if known and recipe.step in SCATTERED_BY else FIRST
    if earlier.fingerprint == recipe.fingerprint:
        return UNFINISHED
    return "; ".join(_changes(earlier, recipe, part, sources, running))


def _changes(
    earlier: Recipe, recipe: Recipe, part: str, sources: Mapping[str, Step], running: Collection[str]
) -> Iterator[str]:
    if earlier.image != recipe.image:
        yield "image changed"
    yield from _parameter_changes(earlier, recipe)
    # Some steps have it only for alignments that are CRAM: then it is those that changed.
    if earlier.reference != recipe.reference and earlier.reference and recipe.reference:
        yield "reference changed"
    if earlier.lanes != recipe.lanes:
        yield f"lanes changed {', '.join(earlier.lanes)} -> {', '.join(recipe.lanes)}"
    if earlier.regions != recipe.regions:
        yield "regions changed"
    yield from _brought_changes(earlier, recipe, part, sources)
    yield from _made_changes(earlier, recipe, sources, running)


def _parameter_changes(earlier: Recipe, recipe: Recipe) -> Iterator[str]:
    for name in sorted({*earlier.parameters, *recipe.parameters}):
        before, now = earlier.parameters.get(name), recipe.parameters.get(name)
        if before is None:
            yield f"parameter {name} is new: {now}"
        elif now is None:
            yield f"parameter {name} is gone"
        elif before != now:
            yield f"parameter {name} changed {before} -> {now}"


def _brought_changes(earlier: Recipe, recipe: Recipe, part: str, sources: Mapping[str, Step]) -> Iterator[str]:
    where = f" of {SCATTERED_BY[recipe.step]} {part}" if recipe.step in SCATTERED_BY else ""
    for name, contents in recipe.contents.items():
        if name not in sources and earlier.contents.get(name) != contents:
            yield f"input {name}{where} changed"


def _made_changes(
    earlier: Recipe, recipe: Recipe, sources: Mapping[str, Step], running: Collection[str]
) -> Iterator[str]:
    known = _producers(earlier, earlier.contents)
    for step in dict.fromkeys(sources.values()):
        made = _producers(recipe, (name for name, source in sources.items() if source is step))
        if changed := [producer for producer in made if producer not in known]:
            yield f"{step} runs again" if any(c in running for c in changed) else f"{step} has another result"


def _producers(recipe: Recipe, inputs: Iterable[str]) -> list[str]:
    """The fingerprints of the steps that made some inputs of a recipe."""
    return [content.partition("/")[0] for name in inputs for content in recipe.contents[name]]
