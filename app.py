"""The platform, stack by stack, in the order in which the data flows."""

import sys
from typing import Any

import aws_cdk as cdk
from aws_cdk import aws_sqs as sqs
from cdk_nag import AwsSolutionsChecks

from settings import Settings, SettingsError
from stacks.archive import Archive
from stacks.constructs.gateway_shares import GatewayShares
from stacks.constructs.runbook import Places
from stacks.file_access import FileAccess
from stacks.lake import Lake
from stacks.machine_learning import MachineLearning
from stacks.monitoring import Machines, Monitoring
from stacks.network import Network
from stacks.secondary import Secondary
from stacks.storage import Storage
from stacks.transfer import Transfer


def build(app: cdk.App, settings: Settings) -> None:
    """Add every stack to the app."""

    def common(stage: str) -> dict[str, Any]:
        return {"scope": app, **settings.every_stack(stage)}

    storage = Storage(**common("storage"), config=settings.storage())
    network = Network(**common("network"), config=settings.network())
    dead_letters: dict[str, sqs.IQueue] = {}
    if transfer := settings.transfer():
        landing = Transfer(**common("transfer"), sequencing=storage.sequencing, ledger=storage.ledger, config=transfer)
        dead_letters["Transfers"] = landing.dead_letters
    shares: list[str] = []
    if file_access := settings.file_access():
        access = FileAccess(**common("file-access"), sequencing=storage.sequencing, vpc=network.vpc, config=file_access)
        shares = GatewayShares.arns_in(access)
    secondary = Secondary(
        **common("secondary"),
        sequencing=storage.sequencing,
        ledger=storage.ledger,
        vpc=network.vpc,
        tools_security_group=network.tools,
        file_systems_security_group=network.file_systems,
        config=settings.secondary(),
    )
    lake = Lake(
        **common("lake"),
        sequencing=storage.sequencing,
        data_lake=storage.data_lake,
        ledger=storage.ledger,
        vpc=network.vpc,
        config=settings.lake(),
    )
    MachineLearning(
        **common("machine-learning"),
        places=Places(storage.data_lake, storage.resources),
        vpc=network.vpc,
        config=settings.machine_learning(),
    )
    archive = Archive(
        **common("archive"),
        sequencing=storage.sequencing,
        ledger=storage.ledger,
        queue=secondary.queue,
        file_share_arns=shares,
        config=settings.archive(),
    )
    Monitoring(
        **common("monitoring"),
        machines=Machines(secondary.runs, lake.loads, secondary.demultiplexings),
        queues=[secondary.queue, secondary.urgent_queue],
        dead_letters=dead_letters
        | {"Inbox": secondary.dead_letters, "Loads": lake.dead_letters, "Archive": archive.dead_letters}
        | {"Run folders": secondary.run_folder_dead_letters},
        notices=lake.notices,
        watched=[secondary, lake],
        ledger=storage.ledger,
        sequencing=storage.sequencing,
        config=settings.monitoring(),
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
