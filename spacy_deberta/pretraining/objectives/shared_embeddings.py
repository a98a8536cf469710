"""Gradient-disentangled embedding sharing: two models, one table, and no tug-of-war over it."""

from torch import Tensor, nn
from torch.nn.utils import parametrize

from spacy_deberta.models import DebertaV2Model

# Where torch keeps what a parametrized weight is made from.
_DIFFERENCE = "parametrizations.weight.original"


class SharedEmbedding(nn.Module):
    """The generator's table, which gets no gradient from here, plus a difference that does.

    Args:
        source: The generator's embeddings.

    Source: He et al. 2021 (arXiv 2111.09543), section 3.2, equation 7.
    """

    def __init__(self, source: nn.Embedding) -> None:
        super().__init__()
        # In a tuple, so that the generator's parameters are not a part of this module.
        self._source = (source,)

    def forward(self, difference: Tensor) -> Tensor:
        """The whole table: (rows, width) of (rows, width)."""
        return self._source[0].weight.detach() + difference

    def right_inverse(self, table: Tensor) -> Tensor:
        """The difference that makes this table, both (rows, width)."""
        return table - self._source[0].weight.detach()


def share_embeddings(generator: DebertaV2Model, discriminator: DebertaV2Model) -> None:
    """Make the tables of the discriminator those of the generator plus a trained difference.

    Args:
        generator: Its tables are trained by its own loss only.
        discriminator: Its tables stay what they are now. Words are shared, and absolute positions
            where both models have them. Changed in place.
    """
    pairs = [(generator.embeddings.word_embeddings, discriminator.embeddings.word_embeddings)]
    positions = generator.embeddings.position_embeddings
    own_positions = discriminator.embeddings.position_embeddings
    if positions is not None and own_positions is not None:
        pairs.append((positions, own_positions))
    for source, target in pairs:
        parametrize.register_parametrization(target, "weight", SharedEmbedding(source))


def whole_weights(model: nn.Module) -> dict[str, Tensor]:
    """The state of a model, with whole tables in place of their differences.

    Args:
        model: With or without shared embeddings.

    Returns:
        Tensors by the names that the checkpoint layout has.
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
