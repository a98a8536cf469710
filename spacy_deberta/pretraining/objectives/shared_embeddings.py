"""Gradient-disentangled embedding sharing between generator and discriminator."""

from torch import Tensor, nn
from torch.nn.utils import parametrize

from spacy_deberta.models import DebertaV2Model

# torch's name of the original tensor of a parametrized weight.
_DIFFERENCE = "parametrizations.weight.original"


class SharedEmbedding(nn.Module):
    """The generator's table, without a gradient, plus a trained difference.

    Args:
        source: The generator's embeddings.

    Source: He et al. 2021 (arXiv 2111.09543), section 3.2, equation 7.
    """

    def __init__(self, source: nn.Embedding) -> None:
        super().__init__()
        # In a tuple, so that the generator's parameters are not registered in this module.
        self._source = (source,)

    def forward(self, difference: Tensor) -> Tensor:
        """The whole table: (rows, width) of (rows, width)."""
        return self._source[0].weight.detach() + difference

    def right_inverse(self, table: Tensor) -> Tensor:
        """The difference of a table from the generator's, both (rows, width)."""
        return table - self._source[0].weight.detach()


def share_embeddings(generator: DebertaV2Model, discriminator: DebertaV2Model) -> None:
    """Parametrize the discriminator's tables as the generator's plus a trained difference.

    Args:
        generator: Its tables are trained by its own loss only.
        discriminator: The values of its tables do not change. Word embeddings are shared, and
            absolute positions if both models have them. Changed in place.
    """
    pairs = [(generator.embeddings.word_embeddings, discriminator.embeddings.word_embeddings)]
    positions = generator.embeddings.position_embeddings
    own_positions = discriminator.embeddings.position_embeddings
    if positions is not None and own_positions is not None:
        pairs.append((positions, own_positions))
    for source, target in pairs:
        parametrize.register_parametrization(target, "weight", SharedEmbedding(source))


def whole_weights(model: nn.Module) -> dict[str, Tensor]:
    """The state dict of a model, with whole tables in place of their differences.

    Args:
        model: With or without shared embeddings.

    Returns:
        Tensors by their names in the checkpoint layout.
    """
    weights = {}
    for name, tensor in model.state_dict().items():
        if name.endswith(_DIFFERENCE):
            module = name.removesuffix(f".{_DIFFERENCE}")
            table: Tensor = getattr(model.get_submodule(module), "weight")  # noqa: B009
            weights[f"{module}.weight"] = table.detach()
        else:
            weights[name] = tensor
    return weights
