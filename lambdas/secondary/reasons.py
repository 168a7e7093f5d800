"""Why a step runs, in plain words: what has changed since its sample was last planned."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from genomics.contracts.steps import SCATTERED_BY, LatestRecipes, Recipe, Step, recipe_name

FIRST = "no earlier result"
UNFINISHED = "the earlier run left no result"

_PRODUCERS = {Step.ALIGN: Step.FASTP, Step.CALL_VARIANTS: Step.ALIGN, Step.GATHER_VARIANTS: Step.CALL_VARIANTS}


def why_run(*, recipe: Recipe, part: str, latest: LatestRecipes, running: Collection[str]) -> str:
    """Why a step whose outputs do not exist is run. `running` are the fingerprints of the steps that run before it."""
    earlier = latest.recipes.get(recipe_name(recipe.step, part))
    if earlier is None:
        known = any(other.step is recipe.step for other in latest.recipes.values())
        return f"{SCATTERED_BY[recipe.step]} {part} is new" if known and recipe.step in SCATTERED_BY else FIRST
    if earlier.fingerprint == recipe.fingerprint:
        return UNFINISHED
    return "; ".join(_changes(earlier, recipe, part, running))


def _changes(earlier: Recipe, recipe: Recipe, part: str, running: Collection[str]) -> Iterator[str]:
    if earlier.image != recipe.image:
        yield "image changed"
    yield from _parameter_changes(earlier, recipe)
    if earlier.reference != recipe.reference:
        yield "reference changed"
    if earlier.lanes != recipe.lanes:
        yield f"lanes changed {', '.join(earlier.lanes)} -> {', '.join(recipe.lanes)}"
    if earlier.regions != recipe.regions:
        yield "regions changed"
    yield from _content_changes(earlier, recipe, part, running)


def _parameter_changes(earlier: Recipe, recipe: Recipe) -> Iterator[str]:
    for name in sorted({*earlier.parameters, *recipe.parameters}):
        before, now = earlier.parameters.get(name), recipe.parameters.get(name)
        if before is None:
            yield f"parameter {name} is new: {now}"
        elif now is None:
            yield f"parameter {name} is gone"
        elif before != now:
            yield f"parameter {name} changed {before} -> {now}"


def _content_changes(earlier: Recipe, recipe: Recipe, part: str, running: Collection[str]) -> Iterator[str]:
    producer = _PRODUCERS.get(recipe.step)
    if producer is None:
        where = f" of {SCATTERED_BY[recipe.step]} {part}" if recipe.step in SCATTERED_BY else ""
        for name, contents in recipe.contents.items():
            if earlier.contents.get(name) != contents:
                yield f"input {name}{where} changed"
        return
    known = _producers(earlier)
    changed = [made_by for made_by in _producers(recipe) if made_by not in known]
    if changed:
        yield f"{producer} runs again" if any(m in running for m in changed) else f"{producer} has another result"


def _producers(recipe: Recipe) -> list[str]:
    """The fingerprints of the steps that made a recipe's inputs."""
    return [content.partition("/")[0] for contents in recipe.contents.values() for content in contents]
