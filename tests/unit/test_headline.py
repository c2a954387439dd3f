from benchmarks.headline import README, table, with_table


def test_the_readme_has_the_table_of_the_committed_results() -> None:
    readme = README.read_text(encoding="utf-8")
    assert with_table(readme, table()) == readme, "run python -m benchmarks.headline"


def test_a_table_takes_the_place_of_another() -> None:
    once = with_table("before\n<!-- headline: python -m benchmarks.headline -->\nold\n<!-- /headline -->\nafter\n", "| new |")
    assert "old" not in once
    assert once.startswith("before\n")
    assert once.endswith("<!-- /headline -->\nafter\n")
    assert with_table(once, "| new |") == once
