"""The model registry: groups of model packages, versions in them, and their approval."""

from moto.core.exceptions import JsonRESTError

from embedded_aws.context import Context
from embedded_aws.sagemaker.operations import Answer, Parameters, Shelf, invalid, named, only, some
from embedded_aws.sagemaker.records import Document, Records

_APPROVALS = ("Approved", "Rejected", "PendingManualApproval")
_PACKAGE = (
    "ModelPackageGroupName",
    "ModelPackageDescription",
    "InferenceSpecification",
    "ModelApprovalStatus",
    "CustomerMetadataProperties",
    "ModelMetrics",
    "Domain",
    "Task",
    "ClientToken",
)


class Registry:
    """The operations."""

    def __init__(self, context: Context, records: Records) -> None:
        self._groups = Shelf(context, records, "ModelPackageGroup")
        self._packages = Shelf(context, records, "ModelPackage")

    def create_model_package_group(self, parameters: Parameters) -> Answer:
        """CreateModelPackageGroup."""
        only("CreateModelPackageGroup", parameters, ("ModelPackageGroupName", "ModelPackageGroupDescription", "Tags"))
        name = named(parameters.get("ModelPackageGroupName"))
        self._groups.add(name, parameters, versions=0)
        return {"ModelPackageGroupArn": self._groups.arn(name)}

    def describe_model_package_group(self, parameters: Parameters) -> Answer:
        """DescribeModelPackageGroup."""
        name = str(parameters.get("ModelPackageGroupName")).rpartition("/")[2]
        return self._group(name, self._groups.get(name))

    def list_model_package_groups(self, parameters: Parameters) -> Answer:
        """ListModelPackageGroups."""
        return self._groups.list(parameters, "ModelPackageGroupSummaryList", self._group)

    def delete_model_package_group(self, parameters: Parameters) -> Answer:
        """DeleteModelPackageGroup, once it is empty."""
        name = str(parameters.get("ModelPackageGroupName"))
        self._groups.get(name)
        if any(package.startswith(f"{name}/") for package in self._packages.all()):
            raise JsonRESTError("ConflictException", f"The model package group {name} still has model packages.")
        self._groups.remove(name)
        return {}

    def create_model_package(self, parameters: Parameters) -> Answer:
        """CreateModelPackage: the next version in a group."""
        only("CreateModelPackage", parameters, _PACKAGE)
        group = str(parameters.get("ModelPackageGroupName") or "").rpartition("/")[2]
        if not group:
            raise invalid("The embedded registry keeps versions in groups: name a ModelPackageGroupName")
        if not (parameters.get("InferenceSpecification") or {}).get("Containers"):
            raise invalid("A model package needs an InferenceSpecification with a container")
        _approval(parameters.get("ModelApprovalStatus") or "PendingManualApproval")
        if again := self._made_by(parameters.get("ClientToken")):
            return {"ModelPackageArn": self._packages.arn(again)}
        version = self._groups.get(group)["versions"] + 1
        self._groups.change(group, versions=version)
        self._packages.add(f"{group}/{version}", parameters, status="Completed")
        return {"ModelPackageArn": self._packages.arn(f"{group}/{version}")}

    def describe_model_package(self, parameters: Parameters) -> Answer:
        """DescribeModelPackage."""
        name = _package_name(parameters)
        package = self._package(name)
        return {
            **self._summary(name, package),
            **some(package["given"], "InferenceSpecification", "ModelMetrics", "CustomerMetadataProperties"),
            **some(package["given"], "ApprovalDescription", "Domain", "Task"),
            "ModelPackageStatusDetails": {"ValidationStatuses": [], "ImageScanStatuses": []},
            "LastModifiedTime": package["modified"],
        }

    def list_model_packages(self, parameters: Parameters) -> Answer:
        """ListModelPackages, of a group or of all."""
        group = str(parameters.get("ModelPackageGroupName") or "").rpartition("/")[2]
        wanted = parameters.get("ModelApprovalStatus")

        def is_meant(name: str, package: Document) -> bool:
            return (not group or name.startswith(f"{group}/")) and wanted in (None, _approved(package))

        return self._packages.list(parameters, "ModelPackageSummaryList", self._summary, is_meant)

    def update_model_package(self, parameters: Parameters) -> Answer:
        """UpdateModelPackage: its approval."""
        only(
            "UpdateModelPackage",
            parameters,
            ("ModelPackageArn", "ModelApprovalStatus", "ApprovalDescription", "ClientToken"),
        )
        name = str(parameters.get("ModelPackageArn")).partition(":model-package/")[2]
        package = self._package(name)
        _approval(parameters.get("ModelApprovalStatus"))
        told = some(parameters, "ModelApprovalStatus", "ApprovalDescription")
        self._packages.change(name, given={**package["given"], **told})
        return {"ModelPackageArn": self._packages.arn(name)}

    def delete_model_package(self, parameters: Parameters) -> Answer:
        """DeleteModelPackage."""
        name = _package_name(parameters)
        self._package(name)
        self._packages.remove(name)
        return {}

    def _package(self, name: str) -> Document:
        return self._packages.get(name)

    def _made_by(self, token: object) -> str | None:
        """The package that a repeated request has made already."""
        known = self._packages.all().items()
        return next((name for name, one in known if token and one["given"].get("ClientToken") == token), None)

    def _group(self, name: str, group: Document) -> Answer:
        return {
            "ModelPackageGroupName": name,
            "ModelPackageGroupArn": self._groups.arn(name),
            "ModelPackageGroupStatus": "Completed",
            "CreationTime": group["created"],
            "CreatedBy": {},
            **some(group["given"], "ModelPackageGroupDescription"),
        }

    def _summary(self, name: str, package: Document) -> Answer:
        group, _, version = name.rpartition("/")
        return {
            "ModelPackageGroupName": group,
            "ModelPackageVersion": int(version),
            "ModelPackageArn": self._packages.arn(name),
            "CreationTime": package["created"],
            "ModelPackageStatus": package["status"],
            "ModelApprovalStatus": _approved(package),
            **some(package["given"], "ModelPackageDescription"),
        }


def _approved(package: Document) -> str:
    return str(package["given"].get("ModelApprovalStatus") or "PendingManualApproval")


def _approval(status: object) -> None:
    if status not in _APPROVALS:
        raise invalid(f"ModelApprovalStatus {status} is none of {', '.join(_APPROVALS)}")


def _package_name(parameters: Parameters) -> str:
    told = str(parameters.get("ModelPackageName"))
    return told.partition(":model-package/")[2] if told.startswith("arn:") else told
