"""The order in which the steps of an edge are written in place; what the text computes is for test_engines."""

import pytest

from streamnorm_sim.engines.cxxrtl_in_place import in_place


def text_of(*steps, ports=""):
    """What write_cxxrtl writes, as far as it matters, of a design whose steps are clocked by clk."""
    names = [n for n in ("a", "b", "c", "memory_m") if any(f"{n}.next" in s or f"{n}.up" in s for s in steps)]
    commits = "".join(f"\t\tif ({name}.commit(observer)) changed = true;\n" for name in names)
    blocks = "".join(f"\t// cell\n\tif (posedge_p_clk) {{\n\t\t{step}\n\t}}\n" for step in steps)
    return (
        f"{ports}\tbool commit(ObserverT &observer) {{\n{commits}\t}}\nvoid p_top::reset() {{\n"
        "\ta = wire<1>{0u};\n\tb = wire<1>{0x1u};\n}\n\nbool p_top::eval(performer *performer) {\n"
        f"\tbool posedge_p_clk = this->posedge_p_clk();\n{blocks}\treturn converged;\n}}\n"
    )


def steps_and_commits(text):
    lines = [line.strip() for line in in_place(text, "clk").splitlines()]
    first = lines.index("constexpr bool posedge_p_clk = true;") + 1
    commits = lines[: lines.index("void p_top::reset() {")]
    kept = [line for line in commits if line.endswith((".next;", "changed = true;"))]
    return [line for line in lines[first:-2] if line not in "{}"], kept


def test_a_register_is_written_behind_what_reads_it():
    steps, kept = steps_and_commits(text_of("b.next = a.curr;", "c.next = b.curr;", "a.next = f(a.curr, p_i);"))
    assert steps == ["c.curr = b.curr;", "b.curr = a.curr;", "a.curr = f(a.curr, p_i);"]
    assert kept == []


def test_in_a_ring_one_register_is_committed_later():
    steps, kept = steps_and_commits(text_of("a.next = b.curr;", "b.next = a.curr;"))
    assert steps == ["a.next = b.curr;", "b.curr = a.curr;"]
    assert kept == ["a.curr = a.next;"]


def test_what_settles_goes_first_and_registers_that_are_outputs_stay_until_commit():
    text = text_of("b.next = a.curr;", "a.next = p_i;", ports="\t/*output*/ wire<1> b;\n")
    text = text.replace("\treturn converged", "\tp_o = a.curr;\n\treturn converged")
    steps, kept = steps_and_commits(text)
    assert steps == ["p_o = a.curr;", "b.next = a.curr;", "a.curr = p_i;"]
    assert kept == ["b.curr = b.next;"]


def test_a_memory_is_written_behind_what_reads_it():
    steps, kept = steps_and_commits(
        text_of("memory_m.update(a.curr, b.curr, e, 0);", "b.next = memory_m[a.curr];", "a.next = p_i;")
    )
    # The port that writes it reads b, which reads it: a ring.
    assert steps == ["memory_m.update(a.curr, b.curr, e, 0);", "b.curr = memory_m[a.curr];", "a.curr = p_i;"]
    assert kept == ["if (memory_m.commit(observer)) changed = true;"]
    steps, kept = steps_and_commits(text_of("memory_m.update(p_n, p_i, e, 0);", "b.next = memory_m[a.curr];"))
    assert steps == ["b.curr = memory_m[a.curr];", "write_now(memory_m, p_n, p_i, e, 0);"]
    assert kept == []


@pytest.mark.parametrize(
    "steps",
    [
        ("a.next.slice<0>() = p_i;", "a.next.slice<1>() = p_j;"),
        ("if (p_e) {\n\t\t\ta.next = p_i;\n\t\t}\n\t\tif (a.curr) {\n\t\t\ta.next = p_j;\n\t\t}",),
        ("memory_m.update(p_n, p_i, e, 0);", "memory_m.update(p_n, p_j, e, 1);"),
    ],
)
def test_what_is_written_twice_stays(steps):
    got, kept = steps_and_commits(text_of(*steps))
    assert "\n".join(got).count(".next") + "\n".join(got).count(".update(") == 2
    assert kept


def test_registers_are_born_as_zero_without_being_told():
    text = in_place(text_of("a.next = p_i;"), "clk")
    assert "\ta = wire<1>{0u};\n" not in text
    assert "\tb = wire<1>{0x1u};\n" in text


def test_a_text_that_is_not_as_expected_stays():
    text = text_of("b.next = a.curr;").replace("return converged;", "return true;")
    assert in_place(text, "clk") == text
