"""``streamnorm workload``: what it prints, and how it refuses."""

import csv
import io
import json
import math
import re

import pytest

from streamnorm import NormConfig
from streamnorm.plan import Plan
from streamnorm_cli import command_line as cli
from streamnorm_cli.commands import workload
from streamnorm_sim.workload import SCHEDULES, STYLES, Workload, find_model, model_names, units_for


@pytest.fixture
def streamnorm(monkeypatch, capsys):
    """Run the command; return the exit code, stdout and stderr."""
    monkeypatch.setitem(cli.COMMANDS, "workload", workload)

    def call(*arguments: str) -> tuple[int, str, str]:
        code = cli.main(["workload", *arguments])
        out, err = capsys.readouterr()
        return code, out, err

    return call


def test_without_a_model_the_models_are_listed(streamnorm):
    code, out, err = streamnorm()
    assert (code, err) == (0, "")
    assert [line.split()[0] for line in out.splitlines()[2:]] == model_names()
    assert streamnorm("--list") == (code, out, err)


def test_the_list_for_machines(streamnorm):
    models = json.loads(streamnorm("--list", "--json")[1])["models"]
    assert [model["name"] for model in models] == model_names()
    assert {model["name"]: model["norms"] for model in models}["gemma-3-27b"] == 62 * 6 + 1
    lines = list(csv.DictReader(io.StringIO(streamnorm("--list", "--csv")[1])))
    assert [line["name"] for line in lines] == model_names()
    assert all(line["source"].startswith("https://") for line in lines)


def test_tables_of_a_model(streamnorm):
    arguments = (
        "qwen3-0.6b",
        "--tokens",
        "64",
        "--units",
        "2",
        "--flops",
        "1T",
        "--memory",
        "hbm3",
        "--link",
        "400gbe",
    )
    code, out, err = streamnorm(*arguments)
    assert (code, err) == (0, "")
    for text in ("qwen3-0.6b: 64 tokens, 1 at once", "prefill: cycles on 2 units", "decode, one token more", "q + k",
                 "more units", "units that keep up", "link of 50 Gbyte/s"):  # fmt: skip
        assert text in out
    assert "https://" not in out
    assert "https://huggingface.co/Qwen/Qwen3-0.6B/" in streamnorm(*arguments, "-v")[1]
    assert streamnorm(*arguments, "-q") == (0, "", "")


def test_json_is_the_workload(streamnorm):
    code, out, _ = streamnorm("opt-125m", "--tokens", "9", "--batch", "2", "--lanes", "8", "--bits", "8", "--json")
    model = find_model("opt-125m")
    expected = Workload(model, units_for(model, lanes=8, bits=8), tokens=9, sequences=2)
    found = json.loads(out)
    assert (code, {key: found[key] for key in expected.to_dict()}) == (0, expected.to_dict())
    assert found.keys() - expected.to_dict().keys() == {"area", "link_area"}


def test_units_that_keep_up_come_with_their_area(streamnorm):
    arguments = ("gemma-3-4b", "--tokens", "64", "--memory", "hbm3", "--link", "400gbe", "--units", "3")
    found = json.loads(streamnorm(*arguments, "--json")[1])
    (config,) = units_for(find_model("gemma-3-4b"))
    plan = Plan.of(config)
    multipliers, block_rams = sum(plan.multipliers.values()), sum(plan.block_rams.values())
    (need,) = found["phases"][0]["needs"]
    for units, area in (
        (1, found["area"]["one"]), (3, found["area"]["all"]), (need["units"], need["area"]),
        (found["link_units"], found["link_area"]),
    ):  # fmt: skip
        assert (area["multipliers"], area["block_rams"]) == (units * multipliers, units * block_rams)
        assert area["luts"] is None
        assert area["largest_device"] == "LFE5U-85F-6"
        assert area["shares"] == {
            "multipliers": units * multipliers / 156, "block_rams": units * block_rams / 208
        }  # fmt: skip
        assert area["fits"] == (units * multipliers <= 156)
    out = streamnorm(*arguments)[1]
    assert f"a unit: {multipliers} multipliers, {block_rams} block RAMs; 74% of LFE5U-85F-6" in out
    assert f"does not fit, {3 * multipliers / 156:.1f} x LFE5U-85F-6" in out
    assert re.search(rf"any .* 11 +{11 * multipliers:,} +{11 * block_rams} +does not fit, 8\.2 x", out)


def test_luts_of_a_unit_that_was_measured(streamnorm, examples):
    out = streamnorm("bert-base", "--config", str(examples / "bert_int8.toml"), "--units", "5", "--link", "10gbe")[1]
    assert re.search(r"a unit: 30 multipliers, 11 block RAMs, 2,[0-9]{3} LUTs; 19% of LFE5U-85F-6", out)
    assert "all: 150 multipliers, 55 block RAMs, 12," in out
    assert "not measured" not in out


def test_a_units_load_is_a_column(streamnorm):
    lines = list(csv.DictReader(io.StringIO(streamnorm("gpt2", "--tokens", "4", "--csv")[1])))
    assert [line["loading"] for line in lines[3:]] == [str(n * (48 + 11)) for n in (12, 12, 1)]
    lines = list(csv.DictReader(io.StringIO(streamnorm("gpt2", "--banks", "16", "--csv")[1])))
    # 15 sets stay: those of the first 8 layers but one norm.
    assert [line["loading"] for line in lines[3:]] == [str(n * (48 + 11)) for n in (4, 5, 1)]
    assert " 16 lanes, 16 banks, ecp5" in streamnorm("gpt2", "--banks", "16")[1]


def test_windows_latents_and_mixed_norms_are_said(streamnorm):
    assert "peri in 26; 22 see 512 positions" in streamnorm("gemma-3-1b")[1]
    assert "q-latent + kv-latent" in streamnorm("deepseek-v3", "--tokens", "8")[1]
    out = streamnorm("chameleon-7b", "--tokens", "8")[1]
    for text in ("norm         rmsnorm, epsilon 1e-05", "layernorm, epsilon 1e-05", "16 lanes (rmsnorm)",
                 "16 lanes (layernorm)", "a unit of each kind: "):  # fmt: skip
        assert text in out
    listed = streamnorm("--list")[1]
    for name, words in (
        ("deepseek-v3", "latents"), ("chameleon-7b", "each head"), ("command-r-plus", "each head, own gamma")
    ):  # fmt: skip
        assert next(line for line in listed.splitlines() if line.startswith(name)).rstrip().endswith(words)
    assert "rmsnorm + layernorm" in listed


def test_a_configuration_for_each_norm(streamnorm, examples):
    files = [str(examples / name) for name in ("bert_int8.toml", "llama_rms_int16.toml")]
    assert streamnorm("chameleon-7b", "--config", files[0])[2].endswith("needs rmsnorm\n")
    code, _, err = streamnorm("chameleon-7b", "--config", files[0], "--config", files[1])
    assert code == 2
    assert "must be that of bert_int8" in err


def test_csv_has_a_line_for_each_site_of_each_phase(streamnorm):
    lines = list(csv.DictReader(io.StringIO(streamnorm("gpt2", "--tokens", "4", "--csv")[1])))
    assert [(line["phase"], line["site"], line["rows"]) for line in lines] == [
        ("prefill", "attention-in", "48"), ("prefill", "ffn-in", "48"), ("prefill", "final", "4"),
        ("decode", "attention-in", "12"), ("decode", "ffn-in", "12"), ("decode", "final", "1"),
    ]  # fmt: skip


def test_placement_and_pruning(streamnorm):
    sites = [
        line["site"]
        for line in csv.DictReader(
            io.StringIO(streamnorm("bert-base", "--placement", "mix", "--prune", "ffn-in:3-11", "--csv")[1])
        )
    ]
    assert sites == ["embedding", "attention-sum", "ffn-sum", "attention-in"]


def test_a_wrong_placement_names_every_one(streamnorm):
    code, out, err = streamnorm("gpt2", "--placement", "help")
    assert (code, out, len(err.splitlines())) == (2, "", 1)
    for name in (*STYLES, *SCHEDULES):
        assert f" {name}," in err or err.endswith(f" {name}\n"), name


def test_constants_are_said(streamnorm):
    out = " ".join(streamnorm("gpt2", "--placement", "deepnorm", "--tokens", "4")[1].split())
    assert "alpha, (2 L)**(1/4) = 2.21336; at attention-sum, ffn-sum of 12 layers, folded into the residual x" in out
    assert "1 / alpha = 0.451801, and epsilon / alpha**2 = 2.041e-06" in out
    out = " ".join(streamnorm("gpt2", "--placement", "layernorm-scaling", "--tokens", "4")[1].split())
    assert "1.0000, 0.7071, 0.5774, 0.5000, …, 0.2887; at attention-in, ffn-in of 12 layers, folded into gamma" in out
    assert "gain of each head, learned" in streamnorm("gpt2", "--placement", "normformer", "--tokens", "4")[1]
    found = json.loads(streamnorm("gpt2", "--placement", "layernorm-scaling", "--tokens", "4", "--json")[1])
    (stack,) = found["model"]["stacks"]
    assert stack["schedule"] == ["layernorm-scaling"] * 12
    (factor,) = stack["constants"]
    assert factor["values"] == pytest.approx([1 / math.sqrt(layer) for layer in range(1, 13)])
    assert (factor["folded_into"], factor["sites"]) == ("gamma and beta", ["attention-in", "ffn-in"])
    assert "constant" not in streamnorm("gpt2", "--tokens", "4")[1]


def test_a_model_without_norms_is_told_so(streamnorm):
    code, out, _ = streamnorm("gemma-3-1b", "--placement", "fixup", "--flops", "1T", "--link", "400gbe")
    assert code == 0
    assert "none, so no unit is needed" in out
    assert "cycles" not in out
    found = json.loads(streamnorm("gemma-3-1b", "--placement", "fixup", "--memory", "hbm3", "--json")[1])
    assert found["model"]["norms"] == found["configs"] == found["phases"][0]["needs"] == []
    assert found["area"]["one"]["multipliers"] == found["phases"][0]["rows"] == 0


def test_a_unit_of_the_users(streamnorm, examples):
    code, out, _ = streamnorm("bert-base", "--config", str(examples / "bert_int8.toml"), "--json")
    assert code == 0
    (unit,) = json.loads(out)["configs"]
    assert (unit["lanes"], unit["clock_mhz"]) == (8, 200)
    plan = Plan.of(NormConfig.from_toml(examples / "bert_int8.toml"))
    assert unit["latency_at_max_length"] == vars(plan.latency(768))


def test_a_model_of_the_users(streamnorm, tmp_path):
    path = tmp_path / "mine.toml"
    text = 'norm = "rmsnorm"\nepsilon = 1e-6\nlayers = 2\nd_model = 64\nheads = 4\nffn = 128\nplacement = "pre"\n'
    path.write_text(text)
    assert json.loads(streamnorm(str(path), "--json")[1])["model"]["name"] == "mine"
    path.write_text('[models."a b"]\n' + text)
    assert json.loads(streamnorm(f"{path}:a b", "--json")[1])["model"]["name"] == "a b"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("bert-bas",), "unknown model 'bert-bas'; did you mean bert-base or "),
        (("none.toml",), "none.toml: no such file"),
        (("gpt2", "--json", "--csv"), "--json and --csv: one of them only"),
        (("gpt2", "--placement", "pots"), "model gpt2: placement = 'pots': unknown style 'pots'; did you mean post?"),
        (("gpt2", "--prune", "1"), "model gpt2: pruned: '1': must be SITE or SITE:LAYERS, as in ffn-in:20-31"),
        (("gpt2", "--prune", "q:1"), "model gpt2: pruned: q: no such norm in these layers; the sites are attention-in"),
        (("gpt2", "--banks", "4097"), "--banks = 4097: must be an integer from 1 to 4096"),
        (("gpt2", "--memory", "hbm"), "--memory: 'hbm': must be bytes a second, such as 819.2G, or a name"),
        (("gpt2", "--flops", "fast"), "--flops: 'fast': must be a number greater than 0 and below 1e24, with k, M"),
        (("gpt2", "--bits", "25"), "--bits = 25: must be an integer from 4 to 24"),
        (("gpt2", "--bits", "1025"), "--bits = 1025: must be an integer from 4 to 24"),
        (("gpt2", "--bits", "9999999999"), "--bits = 9999999999: must be an integer from 4 to 24"),
        (("gpt2", "--batch", "9" * 20), f"--batch = {'9' * 20}: must be an integer from 1 to 1000000000"),
        (("gpt2", "--weight-bits", "9" * 400), f"--weight-bits = {'9' * 80}…: must be an integer from 1 to 64"),
        (("gpt2", "--clock", ""), "argument --clock: '' is not a number; "),
        (("gpt2", "--clock", "nan"), "--clock = nan: must be a finite number from 1 to 1000"),
        (("--tokens", "5"), "--tokens: needs a MODEL; streamnorm workload --list names them all"),
        (("--list", "gpt2"), "--list: names all models; leave MODEL out"),
        (("gpt2", "--tokens", "9" * 20), f"--tokens = {'9' * 20}: must be an integer from 1 to 1000000000"),
        (("gpt2", "--lanes", "65"), "--lanes = 65: must be an integer from 1 to 64"),
        (("gpt2", "--config", "x.toml", "--lanes", "2"), "--config: goes without --lanes, --bits, --banks, --target"),
        (("gpt2", "--target", "ecp5"), "--target = 'ecp5': must be one of "),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_in_a_line(streamnorm, arguments, message):
    code, out, err = streamnorm(*arguments)
    assert code == 2
    assert (out == "") != ("--json" in arguments)
    assert err.startswith(f"streamnorm: error: {message}")
    assert len(err.splitlines()) == 1


@pytest.mark.parametrize("option", ["--tokens", "--units", "--batch", "--weight-bits"])
def test_counts_are_at_least_1(streamnorm, option):
    code, _, err = streamnorm("gpt2", option, "0")
    assert code == 2
    assert f"argument {option}: '0' is not a whole number of at least 1" in err


def test_help_teaches_with_examples(streamnorm):
    code, out, _ = streamnorm("--help")
    assert code == 0
    assert "streamnorm workload llama-3.1-8b --tokens 2048 --units 4" in out


def test_what_the_page_shows_is_printed(streamnorm, examples):
    text = (examples.parent / "docs/workload.md").read_text("utf-8")
    shown = re.findall(r"```\n\$ streamnorm workload (.*)\n((?:.|\n)*?)```", text)
    assert len(shown) == 5
    for arguments, lines in shown:
        printed = "\n".join(line.rstrip() for line in streamnorm(*arguments.split())[1].splitlines())
        for part in lines.split("…\n"):
            assert part in printed + "\n", arguments


def test_the_models_of_the_page_can_be_read(streamnorm, tmp_path, examples):
    whole, norms = re.findall(r"```toml\n((?:.|\n)*?)```", (examples.parent / "docs/workload.md").read_text("utf-8"))
    path = tmp_path / "mine.toml"
    path.write_text(whole + norms.replace('"q-latent" = { length = 768 }', ""))
    found = json.loads(streamnorm(str(path), "--json")[1])
    assert [(each["norm"], each["count"]) for each in found["model"]["norms"]] == [
        ("rmsnorm", 28 * 3 + 1), ("layernorm", 28 * 2)
    ]  # fmt: skip
