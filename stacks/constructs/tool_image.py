"""The image of a tool of batch_tools/: built and pushed by the CDK, or found in a registry of one's own."""

import aws_cdk as cdk
from aws_cdk import aws_ecr_assets as ecr_assets
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_s3_assets as s3_assets
from constructs import Construct

from stacks.constructs.findings import acknowledge
from stacks.constructs.source import CONTRACTS, ROOT, only


class ToolImage(Construct):
    """`container` is what jobs run, `identity` a digest of what the image is built from.

    With `registry` (a host, and a path if there is one) the image is `<registry>/<tool>:<identity>`, so that the
    machine that deploys needs no Docker. Its sources go to the assets' bucket, as `<identity>.zip`, for its builder.
    """

    def __init__(self, scope: Construct, construct_id: str, *, tool: str, registry: str | None) -> None:
        super().__init__(scope, construct_id)
        self._is_built_here = registry is None
        sources = only(*CONTRACTS, "batch_tools/__init__.py", "batch_tools/tool_runtime", f"batch_tools/{tool}")
        if registry is None:
            image = ecr_assets.DockerImageAsset(
                self,
                "Image",
                directory=str(ROOT),
                exclude=sources,
                ignore_mode=cdk.IgnoreMode.GIT,
                file=f"batch_tools/{tool}/Dockerfile",
                platform=ecr_assets.Platform.LINUX_AMD64,
            )
            self.identity = image.asset_hash
            self.container = ecs.ContainerImage.from_docker_image_asset(image)
        else:
            asset = s3_assets.Asset(self, "Sources", path=str(ROOT), exclude=sources, ignore_mode=cdk.IgnoreMode.GIT)
            self.identity = asset.asset_hash
            self.container = ecs.ContainerImage.from_registry(f"{registry}/{tool}:{asset.asset_hash}")

    def acknowledge_pull(self, container: Construct) -> None:
        """Say why the role that starts `container` may ask for a token, where it may."""
        if self._is_built_here:
            reason = "A registry token is not for one repository; pulling is."
            acknowledge(container, "AwsSolutions-IAM5", reason, "Resource::*")
