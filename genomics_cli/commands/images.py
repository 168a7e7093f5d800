"""`genomics images`."""

import json
import time

import click

from genomics_cli.cloud import Cloud
from genomics_cli.cloud_assembly import synthesize
from genomics_cli.commands import shared_options
from genomics_cli.commands.shared_options import Target
from genomics_cli.image_builds import BUILDERS, Repositories, build, choose_builder, find_builds, labs_registry, push


@click.command()
@click.argument("tools", nargs=-1, metavar="[TOOL]...")
@click.option(
    "--builder", type=click.Choice(list(BUILDERS)), help="Default: docker if its engine answers, else buildah."
)
@click.option("--base", metavar="IMAGE", help="A base image instead of the Dockerfiles' own, such as a mirror's.")
@click.option("--push", "is_pushed", is_flag=True, help="Push to the repositories that the deployed stacks look in.")
@shared_options.as_json
@shared_options.target
def images(
    tools: tuple[str, ...], builder: str | None, base: str | None, is_pushed: bool, as_json: bool, target: Target
) -> None:
    """Build the images of the tools, all or those named, with docker or buildah.

    An image's tag is a digest of what it is built from. One that is in ECR already is not built again.
    """
    assembly = synthesize(target.data, project=target.project, progress=shared_options.say)
    builds = find_builds(assembly, tools)
    chosen = choose_builder(builder)
    registry = labs_registry(assembly, builds)
    repositories = Repositories(Cloud.from_environment(), target.project) if is_pushed and registry is None else None
    if repositories:
        registry = repositories.registry()
        repositories.log_in(chosen)
    there = {each.tool for each in builds if repositories and repositories.has(each)}
    log = target.data / "images.log"
    log.unlink(missing_ok=True)
    made = []
    for each in builds:
        name, began = each.named(registry or target.project), time.monotonic()
        if each.tool in there:
            became = "is there already"
        else:
            build(each, name, builder=chosen, base=base, log=log)
            if is_pushed:
                push(name, builder=chosen, log=log)
            became = f"{'built and pushed' if is_pushed else 'built'} in {time.monotonic() - began:.0f} s"
        shared_options.say(f"{name} {became}")
        made.append({"tool": each.tool, "image": name})
    if as_json:
        click.echo(json.dumps(made, indent=2))
