"""A Pre-LN model to Pre-RMSNorm and Pre-CRMSNorm."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

from streamnorm.errors import ConfigError
from streamnorm.spec.arrays import finite_reals

from ..flashnorm import fold_flashnorm
from ..recentring import centred
from .change import FoldedModel, Folding, as_arrays
from .naming import Naming
from .stream import Layer, Stream, features_axis, stream_of

__all__ = ["preln_to_crms", "preln_to_rms"]


def preln_to_rms(tensors: Mapping[str, ArrayLike], *namings: Naming) -> FoldedModel:
    """Return a Pre-LN model's tensors for the same model with RMSNorm in place of LayerNorm.

    Whatever is added to the residual stream, weights, biases and tables of embeddings, is re-centred, as by
    :func:`~streamnorm_sim.fold.recentre`: less its mean over the features. The stream then is what it was less the mean
    of each token, which LayerNorm would subtract; RMSNorm with the same epsilon, gamma and beta gives what LayerNorm
    gave. All else stays as it is: the norms, and the layers that read them.

    A table that is the weight of the output head, too, cannot be both from here on: the head reads a norm and needs the
    table as it was. It becomes a tensor of its own, if it is none yet; the model has to be told that they are not tied.

    Source: Jiang, Gu, Zhu, Pan: Pre-RMSNorm and Pre-CRMSNorm Transformers, 2023, arXiv:2305.14858.

    Parameters
    ----------
    tensors : mapping of str to array-like
    namings : Naming
        What does what; all together.

    Returns
    -------
    FoldedModel
        What was changed is float64, each number at most 1/2 ulp from the formula's exact value on the numbers given,
        read as float64.

    Raises
    ------
    ConfigError
        If the patterns do not fit the model (see ``stream_of``), values are no finite numbers, or a result is beyond
        float64.
    """
    arrays = as_arrays(tensors)
    stream = stream_of(arrays, namings)
    folding = Folding(arrays)
    _recentre(folding, stream, crmsnorm=False)
    for layers in stream.readers.values():
        for layer in layers:
            if layer.copied_from is not None:
                what = f"new: the head, {layer.copied_from} as it was"
                folding.put(layer.module.weight, arrays[layer.copied_from].copy(), what)
    return folding.done(stream.width, stream.separated)


def preln_to_crms(tensors: Mapping[str, ArrayLike], *namings: Naming) -> FoldedModel:
    """Return a Pre-LN model's tensors for the same model with CRMSNorm in place of LayerNorm.

    As :func:`preln_to_rms`, and besides:

    - the last feature of the stream is left out, since the others, whose sum with it is 0, tell it: what is added to
      the stream has one output or feature less;
    - the layers behind a norm take in its gamma and beta and that feature, as by
      :func:`~streamnorm_sim.fold.fold_flashnorm` for CRMSNorm: ``W'_ji = gamma_i W_ji - gamma_n W_jn``, one input less,
      and ``b' = b + W @ beta``, a new bias where there was none;
    - the norm, whose gamma and beta they have now, keeps its epsilon, and has n - 1 ones and zeros.

    A head that is a table, too, is made of the table as it was.

    Source: Jiang, Gu, Zhu, Pan: Pre-RMSNorm and Pre-CRMSNorm Transformers, 2023, arXiv:2305.14858.

    Parameters
    ----------
    tensors : mapping of str to array-like
    namings : Naming
        What does what; all together.

    Returns
    -------
    FoldedModel
        As of :func:`preln_to_rms`.

    Raises
    ------
    ConfigError
        As :func:`preln_to_rms`; or if the stream has one feature.
    """
    arrays = as_arrays(tensors)
    stream = stream_of(arrays, namings)
    if stream.width == 1:
        raise ConfigError("the stream has 1 feature; CRMSNorm leaves out the last, and none would be left")
    folding = Folding(arrays)
    _recentre(folding, stream, crmsnorm=True)
    for name, norm in stream.norms.items():
        gamma = _reals(arrays, norm.weight)
        beta = None if norm.bias is None else _reals(arrays, norm.bias)
        for layer in stream.readers[name]:
            _take_in(folding, layer, gamma, beta, name)
        folding.put(norm.weight, np.ones(stream.width - 1), "taken in by the layers behind: 1")
        if norm.bias is not None:
            folding.put(norm.bias, np.zeros(stream.width - 1), "taken in by the layers behind: 0")
    return folding.done(stream.width, stream.separated)


def _recentre(folding: Folding, stream: Stream, *, crmsnorm: bool) -> None:
    what = "re-centred, last feature left out" if crmsnorm else "re-centred"
    for layer in stream.writers:
        module, weight = layer.module, _reals(folding.given, layer.module.weight)
        axis = features_axis(layer, weight.ndim, writes=True)
        folding.put(module.weight, centred(module.weight, weight, axis, crmsnorm=crmsnorm), what)
        if module.bias is not None:
            bias = _reals(folding.given, module.bias)
            folding.put(module.bias, centred(module.bias, bias, crmsnorm=crmsnorm), what)


def _take_in(folding: Folding, layer: Layer, gamma: NDArray, beta: NDArray | None, norm: str) -> None:
    module = layer.module
    weight = _reals(folding.given, layer.source)
    bias = None if module.bias is None else _reals(folding.given, module.bias)
    try:
        folded = fold_flashnorm(weight, gamma, beta, bias, layout=layer.layout, crmsnorm=True)
    except ConfigError as error:
        raise ConfigError(f"{module.name}: {error}") from error
    source = "" if layer.copied_from is None else f"new: the head, {layer.copied_from} as it was, "
    folding.put(module.weight, folded.weight, f"{source}{norm} and the last input taken in")
    if folded.bias is not None and beta is not None:
        folding.put(module.new_bias, folded.bias, f"{'new: ' if bias is None else ''}beta of {norm} taken in")


def _reals(tensors: Mapping[str, NDArray], name: str) -> NDArray[np.float64]:
    return finite_reals(tensors[name], name)
