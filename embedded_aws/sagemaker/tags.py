"""Tags of all that has an ARN."""

from embedded_aws.context import Context
from embedded_aws.sagemaker.operations import ARN_PREFIXES, Answer, Parameters, Shelf, invalid
from embedded_aws.sagemaker.records import Records


class Tags:
    """The operations."""

    def __init__(self, context: Context, records: Records) -> None:
        self._shelves = {prefix: Shelf(context, records, kind) for kind, prefix in ARN_PREFIXES.items()}

    def list_tags(self, parameters: Parameters) -> Answer:
        """ListTags."""
        shelf, name = self._place(parameters)
        return {"Tags": shelf.get(name)["given"].get("Tags") or []}

    def add_tags(self, parameters: Parameters) -> Answer:
        """AddTags."""
        shelf, name = self._place(parameters)
        given = shelf.get(name)["given"]
        tags = {tag["Key"]: tag for tag in (*(given.get("Tags") or ()), *parameters["Tags"])}
        shelf.change(name, given={**given, "Tags": list(tags.values())})
        return {"Tags": list(tags.values())}

    def delete_tags(self, parameters: Parameters) -> Answer:
        """DeleteTags."""
        shelf, name = self._place(parameters)
        given = shelf.get(name)["given"]
        kept = [tag for tag in given.get("Tags") or () if tag["Key"] not in parameters["TagKeys"]]
        shelf.change(name, given={**given, "Tags": kept})
        return {}

    def _place(self, parameters: Parameters) -> tuple[Shelf, str]:
        prefix, _, name = str(parameters.get("ResourceArn")).rpartition(":")[2].partition("/")
        if prefix not in self._shelves:
            raise invalid(f"{parameters.get('ResourceArn')} is the ARN of nothing that the embedded SageMaker has")
        return self._shelves[prefix], name
