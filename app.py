"""The platform, stack by stack, in the order in which the data flows."""

import sys

import aws_cdk as cdk
from cdk_nag import AwsSolutionsChecks

from genomics.contracts.deployment import stack_name
from settings import Settings, SettingsError
from stacks.archive import Archive
from stacks.constructs.gateway_shares import GatewayShares
from stacks.file_access import FileAccess
from stacks.lake import Lake
from stacks.network import Network
from stacks.secondary import Secondary
from stacks.storage import Storage
from stacks.transfer import Transfer


def build(app: cdk.App, settings: Settings) -> None:
    """Add every stack to the app."""
    common = {
        "env": cdk.Environment(account=settings.account, region=settings.region),
        "termination_protection": not settings.disposable,
        "tags": {"project": settings.project},
    }

    storage = Storage(app, stack_name(settings.project, "storage"), config=settings.storage(), **common)
    network = Network(app, stack_name(settings.project, "network"), config=settings.network(), **common)
    if transfer := settings.transfer():
        Transfer(
            app,
            stack_name(settings.project, "transfer"),
            sequencing=storage.sequencing,
            ledger=storage.ledger,
            config=transfer,
            **common,
        )
    shares: list[str] = []
    if file_access := settings.file_access():
        access = FileAccess(
            app,
            stack_name(settings.project, "file-access"),
            sequencing=storage.sequencing,
            vpc=network.vpc,
            config=file_access,
            **common,
        )
        shares = GatewayShares.arns_in(access)
    secondary = Secondary(
        app,
        stack_name(settings.project, "secondary"),
        sequencing=storage.sequencing,
        ledger=storage.ledger,
        vpc=network.vpc,
        tools_security_group=network.tools,
        file_systems_security_group=network.file_systems,
        config=settings.secondary(),
        **common,
    )
    Lake(
        app,
        stack_name(settings.project, "lake"),
        sequencing=storage.sequencing,
        data_lake=storage.data_lake,
        ledger=storage.ledger,
        config=settings.lake(),
        **common,
    )
    Archive(
        app,
        stack_name(settings.project, "archive"),
        sequencing=storage.sequencing,
        ledger=storage.ledger,
        queue=secondary.queue,
        file_share_arns=shares,
        config=settings.archive(),
        **common,
    )
    cdk.Validations.of(app).add_plugins(AwsSolutionsChecks(app))


def main() -> None:
    """Synthesize; a bad setting ends it with one line that names it."""
    app = cdk.App(analytics_reporting=False)
    try:
        settings = Settings.read(app.node.get_all_context())
    except SettingsError as error:
        sys.exit(f"settings: {error}")
    build(app, settings)
    app.synth()


if __name__ == "__main__":
    main()
