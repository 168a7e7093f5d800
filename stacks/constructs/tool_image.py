"""The image of a tool of batch_tools/: in a repository of its own in ECR, or found in a registry of the lab's."""

from dataclasses import dataclass

import aws_cdk as cdk
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_s3_assets as s3_assets
from constructs import Construct

from stacks.constructs.findings import acknowledge
from stacks.constructs.source import CONTRACTS, ROOT, only

_KEPT_IMAGES = 10


@dataclass(frozen=True)
class ImageRegistry:
    """Where a deployment's images are: on `host` (with a path, if there is one), else in ECR, as `<project>/<tool>`."""

    project: str
    host: str | None


class ToolImage(Construct):
    """`container` is what jobs run, `identity` a digest of what the image is built from, and its tag.

    The deployment itself builds nothing: `genomics images` does, on a machine that has docker or buildah. The sources
    go to the assets' bucket, as `<identity>.zip`, for builders that have no clone.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        tool: str,
        registry: ImageRegistry,
        code_of: str | None = None,
    ) -> None:
        """`code_of` is another tool whose Python the image runs, where its folder is only a Dockerfile."""
        super().__init__(scope, construct_id)
        shared = ("batch_tools/__init__.py", "batch_tools/tool_runtime")
        code = [f"batch_tools/{code_of}/*.py"] if code_of else []
        sources = only(*CONTRACTS, *shared, *code, f"batch_tools/{tool}")
        asset = s3_assets.Asset(self, "Sources", path=str(ROOT), exclude=sources, ignore_mode=cdk.IgnoreMode.GIT)
        self.identity = asset.asset_hash
        self._is_ours = registry.host is None
        self.container: ecs.ContainerImage
        if self._is_ours:
            repository = _repository(self, f"{registry.project}/{tool}")
            self.container = ecs.ContainerImage.from_ecr_repository(repository, tag=self.identity)
        else:
            self.container = ecs.ContainerImage.from_registry(f"{registry.host}/{tool}:{self.identity}")

    def acknowledge_pull(self, container: Construct) -> None:
        """Say why the role that starts `container` may ask for a token, where it may."""
        if self._is_ours:
            reason = "A registry token is not for one repository; pulling is."
            acknowledge(container, "AwsSolutions-IAM5", reason, "Resource::*")


def _repository(scope: Construct, name: str) -> ecr.Repository:
    """Private; a tag stays what it was, and what is pushed is scanned. Its images can be built again at any time."""
    return ecr.Repository(
        scope,
        "Repository",
        repository_name=name,
        image_scan_on_push=True,
        image_tag_mutability=ecr.TagMutability.IMMUTABLE,
        encryption=ecr.RepositoryEncryption.KMS,
        lifecycle_rules=[ecr.LifecycleRule(max_image_count=_KEPT_IMAGES, description="The latest images are kept")],
        removal_policy=cdk.RemovalPolicy.DESTROY,
        empty_on_delete=True,
    )
