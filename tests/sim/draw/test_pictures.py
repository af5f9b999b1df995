"""What pictures show: series that can be told apart, whole legends, what stalls cost, and what it is all about."""

import re
import sys
from pathlib import Path

import numpy as np
import pytest

from streamnorm.errors import ConfigError, ToolMissing
from streamnorm.spec.config import NormConfig
from streamnorm.spec.formats import IntFormat
from streamnorm.spec.roots import ROOTS
from streamnorm_sim.cycles.clocks import PlacedClock
from streamnorm_sim.cycles.counts import CycleCounts, Losses
from streamnorm_sim.cycles.peers import peer_counts
from streamnorm_sim.roots import measure_errors

matplotlib_figure = pytest.importorskip("matplotlib.figure")

from streamnorm_sim.draw.cycle_plot import plot_cycles  # noqa: E402
from streamnorm_sim.draw.error_plot import ERROR_BINS, plot_errors  # noqa: E402
from streamnorm_sim.draw.figure import picture  # noqa: E402
from streamnorm_sim.draw.loss_plot import plot_losses  # noqa: E402
from streamnorm_sim.draw.root_errors import plot_root_errors  # noqa: E402
from streamnorm_sim.draw.series import COLOURS, OTHERS, fill_style, line_style, named, other_style  # noqa: E402
from streamnorm_sim.draw.timeline import Timeline, draw_timeline  # noqa: E402


@pytest.fixture
def drawn(monkeypatch, tmp_path):
    """Draw, and return the figure in place of writing it."""
    figures = []

    class Kept(matplotlib_figure.Figure):
        def __init__(self, *arguments, **keywords):
            super().__init__(*arguments, **keywords)
            figures.append(self)

        def savefig(self, *arguments, **keywords):
            self.draw_without_rendering()

    monkeypatch.setattr(matplotlib_figure, "Figure", Kept)

    def draw(function, *arguments):
        function(tmp_path / "picture.png", *arguments)
        return figures[-1]

    return draw


@pytest.fixture(scope="module")
def config():
    return NormConfig(
        name="drawn", norm="layernorm", lanes=8, max_length=768, epsilon=1e-5,
        input=IntFormat(8, scale=0.05), output=IntFormat(8, scale=0.05), target="ecp5-85k-8", clock_mhz=150,
    )  # fmt: skip


def counts(config, length, L1=100, SS=96.0, **changes):
    keywords = {
        "rows": 10, "L2": 40, "L3": 200, "stalled_SS": None, "batch": 1100, "losses": Losses(fill=140), "placed": None,
    }  # fmt: skip
    return CycleCounts(config=config, length=length, L1=L1, SS=SS, **{**keywords, **changes})


def many(config, number, name="unit", lengths=(64, 768)):
    """Units of different names, each with counts of its own."""
    units = [config.replace(name=f"{name}_{index}") for index in range(number)]
    return [
        counts(unit, length, L1=length + 10 * index, SS=length / 8 + index)
        for index, unit in enumerate(units)
        for length in lengths
    ]


def whole(figure):
    """Whether all that is drawn lies within the picture."""
    drawn, (width, height) = figure.get_tightbbox(), figure.get_size_inches()
    return drawn.x0 >= 0 and drawn.y0 >= 0 and drawn.x1 <= width and drawn.y1 <= height


def style(line):
    return line.get_color(), line.get_marker(), str(line._dash_pattern)


def labels(figure):
    return [text.get_text() for legend in figure.legends for text in legend.get_texts()]


def test_styles_do_not_repeat():
    looks = [(s["color"], s["marker"], str(s["linestyle"])) for s in map(line_style, range(110))]
    assert len(set(looks)) == 110
    # Even without markers, forty are told apart.
    assert len({(colour, dashes) for colour, _, dashes in looks[:40]}) == 40
    assert len({(s["facecolor"], s["hatch"]) for s in map(fill_style, range(40))}) == 40
    assert not {s["color"] for s in map(other_style, range(9))} & set(COLOURS)


@pytest.mark.parametrize("number", [1, 4, 15, 25])
def test_every_curve_has_a_look_of_its_own_and_a_place_in_the_legend(config, drawn, number):
    figure = drawn(plot_cycles, many(config, number, "a_name_that_is_rather_long_as_generated_ones_often_are"))
    lines = figure.axes[0].get_lines()
    assert len(lines) == len({style(line) for line in lines}) == number
    assert len(set(labels(figure))) == number
    assert whole(figure)
    assert all(axes.get_xlabel() == "elements in a row" for axes in figure.axes)
    assert [axes.get_ylabel() for axes in figure.axes] == ["cycles", "cycles", "ns", "million rows a second"]
    # The panels keep their size, however long the legend.
    assert all(axes.get_window_extent().height > 200 for axes in figure.axes)


def test_the_longest_name_there_is_does_not_cut_the_legend(config, drawn):
    for lengths in ((64, 768), (768,)):
        assert whole(drawn(plot_cycles, many(config, 3, "x" * 62, lengths)))


def test_curves_that_are_the_same_are_drawn_wider_beneath_and_said_to_be(config, drawn):
    first, second, third = (config.replace(name=name) for name in ("first", "second", "third"))
    lines = [
        counts(first, 64, 50, 8),
        counts(first, 768, 150, 96),
        counts(third, 64, 60, 9),
        counts(third, 768, 99, 99),
    ]
    lines += [counts(second, 64, 55, 8), counts(second, 768, 155, 96)]
    figure = drawn(plot_cycles, lines)
    assert labels(figure) == ["1  first", "2  third", "3  second  (SS, rows/s same as 1)"]
    way, steady = (axes.get_lines() for axes in figure.axes[:2])
    assert len({line.get_linewidth() for line in way}) == 1
    on_top, _, beneath = steady
    assert beneath.get_linewidth() > on_top.get_linewidth()
    assert beneath.get_markersize() > on_top.get_markersize()
    assert beneath.get_zorder() < on_top.get_zorder()


def test_units_that_cannot_exist_have_no_times(config, drawn):
    lacking = many(config.replace(target="ecp5-12k-8"), 2)
    figure = drawn(plot_cycles, lacking)
    assert len(figure.axes) == 2
    assert figure._suptitle.get_text().endswith("no times of units that cannot exist")
    assert len(drawn(plot_cycles, lacking[::2]).axes) == 4  # bars
    assert len(drawn(plot_cycles, [*lacking, *many(config, 1, "other")]).axes) == 4


def test_other_projects_have_colours_of_their_own_and_their_clocks(config, drawn):
    peers = peer_counts({("layernorm", 8, n, 8) for n in (64, 768)})
    units = [counts(config.replace(name=name), n, 130, n / 8) for name in ("a", "b") for n in (64, 768)]
    figure = drawn(plot_cycles, units, peers)
    colours = {line.get_label(): line.get_color() for line in figure.axes[0].get_lines()}
    assert len(colours) == 4
    assert set(list(colours.values())[:2]) <= set(COLOURS)
    assert set(list(colours.values())[2:]) <= set(OTHERS)
    assert figure._suptitle.get_text().endswith("other projects at their placed clocks")
    [mase] = [line for line in figure.axes[2].get_lines() if line.get_color() in OTHERS]
    assert (list(mase.get_xdata()), list(mase.get_ydata())) == ([768], [pytest.approx(216e3 / 47.9)])

    bars = drawn(plot_cycles, units[1::2], [peer for peer in peers if peer["n"] == 768])
    names = [text.get_text() for text in bars.axes[0].get_yticklabels()]
    assert names == ["a", "b", "MASE, 8 bits, 47.9 MHz", "FINN"]
    assert labels(bars) == ["streamnorm", "other projects"]
    assert len({bar.get_facecolor() for bar in bars.axes[0].patches}) == 2
    assert whole(bars)


@pytest.mark.parametrize("number", [1, 25])
def test_bars_are_named_beside_them_with_every_number(config, drawn, number):
    figure = drawn(plot_cycles, many(config, number, lengths=(768,)))
    assert whole(figure)
    assert [axes.get_title().split(":")[0] for axes in figure.axes] == [
        "L1", "L2", "L3", "SS", "L1, planned clock", "rows, planned clock",
    ]  # fmt: skip
    for axes in figure.axes:
        assert len(axes.texts) == number
    assert figure.axes[0].texts[-1].get_text() == f"{768 + 10 * (number - 1):,}"


def test_time_is_at_the_placed_clocks_where_all_are_known(config, drawn):
    slow = config.replace(name="slow", clock_mhz=50)
    placed = [
        counts(config, 768, placed=PlacedClock(200, "given")),
        counts(slow, 768, 80, placed=PlacedClock(50, "given")),
    ]
    figure = drawn(plot_cycles, placed)
    assert [text.get_text() for text in figure.axes[0].get_yticklabels()] == ["drawn, 200 MHz", "slow, 50 MHz"]
    assert figure.axes[4].get_title() == "L1, placed clock"
    # Fewer cycles, and yet slower.
    assert [bar.get_width() for bar in figure.axes[0].patches] == [100, 80]
    assert [bar.get_width() for bar in figure.axes[4].patches] == [500, 1600]


def test_two_passes_that_are_one_are_called_so(config, drawn):
    units = [config.replace(norm="rmsnorm", architecture=name) for name in ("one-pass", "two-pass")]
    figure = drawn(plot_cycles, [counts(unit, 768) for unit in units])
    assert [text.get_text() for text in figure.axes[0].get_yticklabels()] == ["one-pass", "two-pass = one-pass"]
    timeline = Timeline(units[1], (8,), False, {"beats in": [(0, 0, 0)], "beats out": [(0, 30, 30)]})
    figure = drawn(draw_timeline, timeline)
    assert figure.axes[0].get_title() == "drawn: rmsnorm, two-pass = one-pass, 8 lanes, rows of 8 elements"


def test_rows_of_a_timeline_have_looks_of_their_own(config, drawn):
    spans = {
        "beats in": [(row, 9 * row, 9 * row + 8) for row in range(25)],
        "beats out": [(row, 300 + row, 300 + row) for row in range(25)],
    }
    figure = drawn(draw_timeline, Timeline(config, (72,) * 25, True, spans))
    shapes = figure.axes[0].collections[:25]
    assert len({(tuple(shape.get_facecolor()[0]), shape.get_hatch()) for shape in shapes}) == 25


def test_losses_are_drawn_as_shares_of_the_cycles(config, drawn):
    losses = Losses(source=200, buffer=40, fill=100, rows=30, sink=110)
    other = config.replace(architecture="two-pass")
    lines = [counts(config, 768, batch=1200, losses=losses), counts(other, 768, batch=1920, losses=None)]
    figure = drawn(plot_losses, lines, "source 0.2, sink 0.1")
    assert figure._suptitle.get_text().replace("\n", " ").endswith("10 rows, stalled: source 0.2, sink 0.1")
    into, out = ([round(bar.get_width() * 12) for bar in axes.patches] for axes in figure.axes)
    assert into == [round(part * 1200 / 1200) for part in (960, 200, 40)]
    assert out == [960, 100, 30, 110, 600, 600]
    assert labels(figure) == [
        "a beat moved",
        "source: nothing was offered",
        "buffer: the row buffer was full",
        "fill: up to the first beat",
        "rows: the next row was not ready",
        "sink: it was not ready",
        "lost, cause not known",
    ]
    numbers = [text.get_text() for axes in figure.axes for text in axes.texts]
    assert [text for text in numbers if "," in text or "n" in text] == ["1,200", "not known", "1,200", "1,920"]
    assert len({bar.get_facecolor() for axes in figure.axes for bar in axes.patches}) == 7
    assert whole(figure)


def test_errors_say_what_they_are_of(drawn):
    kinds = ("int16 → int16", "int16 → int8", "bf16 → bf16")
    figure = drawn(plot_errors, "How far a model is off", {kind: [np.arange(1, len(ERROR_BINS))] * 3 for kind in kinds})
    assert figure._suptitle.get_text() == "How far a model is off"
    panels = [axes for axes in figure.axes if axes.get_visible()]
    assert [axes.get_title() for axes in panels] == [f"{kind}, 60,300 elements" for kind in kinds]
    assert all(axes.get_xlabel() == "error of a result against the exact one, ulp" for axes in panels)
    assert [axes.get_ylabel() for axes in panels] == [
        "elements in each 0.01 ulp, %",
        "",
        "elements in each 0.01 ulp, %",
    ]
    heights = panels[0].patches[0].get_data().values
    assert heights.sum() == pytest.approx(100)
    assert labels(figure) == ["one layer", "all layers", "correctly rounded: no result is nearer to the exact one"]
    assert whole(figure)


def test_a_picture_that_cannot_be_written_leaves_the_one_before(tmp_path, monkeypatch):
    target, link = tmp_path / "target", tmp_path / "picture.svg"
    target.write_text("before")
    link.symlink_to(target)

    def cut(self, file, **options):
        Path(file).write_text("half")
        raise OSError(27, "File too large")

    with monkeypatch.context() as patch:
        patch.setattr(matplotlib_figure.Figure, "savefig", cut)
        message = rf"^{re.escape(str(link))}: cannot be written: File too large$"
        with pytest.raises(ConfigError, match=message), picture(link, 1, 1):
            pass
    assert (target.read_text(), sorted(tmp_path.iterdir())) == ("before", [link, target])
    with picture(link, 1, 1):
        pass
    assert link.is_symlink()
    assert target.read_text().startswith("<?xml")


def test_without_matplotlib_it_is_said_to_be_missing(config, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    for module in [name for name in sys.modules if name.startswith("matplotlib.")]:
        monkeypatch.setitem(sys.modules, module, None)
    path = tmp_path / "picture.svg"
    for draw in (
        lambda: plot_cycles(path, many(config, 1)),
        lambda: plot_cycles(path, many(config, 1, lengths=(8,))),
        lambda: plot_losses(path, many(config, 1), "none"),
        lambda: plot_errors(path, "", {"int8": [np.ones(len(ERROR_BINS) - 1)]}),
    ):
        with pytest.raises(ToolMissing, match=r"matplotlib is not installed: pip install 'streamnorm\[sim\]'"):
            draw()


def test_names_tell_what_differs():
    facts = [{"name": "a", "norm": "layernorm"}, {"name": "b", "norm": "layernorm"}, {"name": "b", "norm": "layernorm"}]
    assert named(facts, [1, 1, 1]) == (["a", "b", "b (2)"], "layernorm")
    assert named(facts, [1, 1, 2], unsaid="layernorm") == (["a", "b", "b"], "")
    assert named(facts[:1], [1]) == ([""], "a, layernorm")


def test_every_root_has_a_panel_with_its_bound_and_all_its_errors_in_it(drawn):
    methods = [(name, measure_errors(ROOTS[name].smallest(12))) for name in ("table", "iterl2norm", "binary-search")]
    figure = drawn(plot_root_errors, "three roots", [*methods, methods[0]])
    panels = [axes for axes in figure.axes if axes.get_visible()]
    assert len(panels) == 4
    assert [axes.get_title().split("\n")[0] for axes in panels] == ["table", "iterl2norm", "binary-search", "table"]
    for (_, errors), axes in zip(methods, panels, strict=False):
        bound = errors.root.relative_error * 2**12
        lines = sorted({float(line.get_ydata()[0]) for line in axes.get_lines()})
        assert lines == pytest.approx([-bound, 0, bound])
        (band,) = axes.patches
        drawn_low, drawn_high = band.get_data().baseline, band.get_data().values
        np.testing.assert_allclose(drawn_low, errors.low * 2**12)
        np.testing.assert_allclose(drawn_high, errors.high * 2**12)
        bottom, top = axes.get_ylim()
        assert bottom < -bound < drawn_low.min() <= drawn_high.max() < bound < top
        assert axes.get_xlim() == (1, 4)
    assert [axes.get_yscale() for axes in panels] == ["linear", "symlog", "linear", "linear"]
    assert labels(figure)[1] == "proven bound"
    assert labels(figure)[0].endswith("over every mantissa")
    assert whole(figure)


def test_a_picture_of_some_mantissas_says_so(drawn):
    errors = measure_errors(ROOTS["table"].smallest(26), 1 << 12)
    figure = drawn(plot_root_errors, "a root", [("table", errors)])
    label = " ".join(labels(figure)[0].split())
    assert label.endswith("over every mantissa, or 4,096 of them, evenly spread")
