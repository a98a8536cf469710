"""The component whose encoder another one shares: its name, and those to choose from."""

from dataclasses import dataclass, field

from spacy_deberta.errors import Errors


@dataclass
class EncoderOwner:
    """What the config says of a shared encoder, for messages.

    Attributes:
        name: The setting `shared_encoder`.
        others: Names of the components before it that have an encoder.
    """

    name: str
    others: list[str] = field(default_factory=list)

    def missing(self, component: str) -> ValueError:
        """The error of a component whose owner is not in the pipeline (E601)."""
        found = ", ".join(f"'{name}'" for name in self.others) or "none"
        return ValueError(Errors.E601.format(component=component, owner=self.name, found=found))

    def copy(self) -> "EncoderOwner":
        """A copy with a list of its own."""
        return EncoderOwner(self.name, [*self.others])
