import itertools
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from cxsentiment import InputError
from cxsentiment.encoder.model import CxModel, EncoderConfig, pool
from cxsentiment.encoder.ngrams import Spelling
from cxsentiment.encoder.runtime import RawScores
from cxsentiment.encoder.tokenise import pieces_of
from cxsentiment.heads import Calibration, softmax
from cxsentiment.results import SENTIMENTS
from cxsentiment.story import STORY_LOGITS
from cxsentiment.tags import TOKEN_LOGITS
from cxsentiment.training.align import alignment_loss
from cxsentiment.training.calibrate import calibrate
from cxsentiment.training.card import reliability_plot
from cxsentiment.training.corpus import Document, Span
from cxsentiment.training.examples import Targets, examples
from cxsentiment.training.finetune import Lesson, deep_loss, finetune, mean_weights, polish, text_loss
from cxsentiment.training.initialise import fill_by_prefix, translation_embeddings
from cxsentiment.training.loop import Stage, StageSettings, pad, shuffled_batches
from cxsentiment.training.measure import Measured, calibration_error, cross_fitted, judge, macro_f1, score_sets
from cxsentiment.training.run import Recipe
from cxsentiment.training.wide import train_wide
from tests.conftest import tiny_tokenizer

WORDS = {"positive": ("great", "polecam", "bine"), "negative": ("terrible", "άργησε", "nepoliticos")}


def labelled(count: int) -> list[Document]:
    choices = [(word, label) for label, words in WORDS.items() for word in words]
    picked = itertools.islice(itertools.cycle(choices), count)
    return [Document(f"{word} the courier {n}", "en", "cr_custrev", label, None, None, (), 1.0) for n, (word, label) in enumerate(picked)]


def tiny_config() -> EncoderConfig:
    return EncoderConfig(tiny_tokenizer().get_vocab_size(), 32, 1, 4, 64, 256, head_hidden=16, wide_buckets=512, dropout=0.0)


def tiny_network() -> CxModel:
    return CxModel(tiny_config(), Spelling.of(pieces_of(tiny_tokenizer())))


def test_batches_hold_every_index_once_an_epoch_and_keep_to_the_budget() -> None:
    lengths = [3, 50, 7, 7, 20, 1, 49] * 5
    batches = shuffled_batches(lengths, 100, seed=1)
    seen: list[int] = []
    while len(seen) < len(lengths):
        batch = next(batches)
        assert len(batch) == 1 or max(lengths[index] for index in batch) * len(batch) <= 100
        seen += batch
    assert sorted(seen) == list(range(len(lengths)))


class KilledError(Exception):
    pass


def run_stage(folder: Path, kill_at: int | None) -> torch.Tensor:
    torch.manual_seed(0)
    module = nn.Linear(4, 1)
    data = torch.randn(40, 4, generator=torch.Generator().manual_seed(1))
    stage = Stage(
        StageSettings("toy", steps=30, time_budget=1e9, averaging=0.9), module, [{"params": module.parameters(), "lr": 0.05}], folder
    )

    def loss(batch: object) -> torch.Tensor:
        if stage.step == kill_at:
            stage._save()
            raise KilledError
        return (module(data[list(batch)]) - data[list(batch)].sum(1, keepdim=True)).square().mean()  # type: ignore[call-overload]

    stage.run(shuffled_batches([1] * 40, 8, seed=3), loss)
    return module.weight.detach().clone()


def test_a_stage_killed_and_resumed_ends_where_an_undisturbed_one_does(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    undisturbed = run_stage(tmp_path / "a", None)
    for kill_at in (5, 22):
        with pytest.raises(KilledError):
            run_stage(tmp_path / "b", kill_at)
    assert torch.allclose(run_stage(tmp_path / "b", None), undisturbed, atol=1e-6)


def test_a_finished_stage_is_not_run_again(tmp_path: Path) -> None:
    trained = run_stage(tmp_path, None)
    assert torch.equal(run_stage(tmp_path, kill_at=30), trained)


def right_share(logits: torch.Tensor, documents: list[Document]) -> float:
    gold = torch.tensor([SENTIMENTS.index(document.sentiment or "") for document in documents])
    return float((logits[:, [0, 2]].argmax(1) * 2 == gold).float().mean())


def test_the_wide_branch_learns_what_is_there(tmp_path: Path) -> None:
    documents, model = labelled(600), tiny_network()
    train_wide(model, tiny_tokenizer(), documents, 1, tmp_path)
    flat = [example.flat for example in examples(documents[:60], tiny_tokenizer())]
    ids, lengths = torch.tensor([token for tokens in flat for token in tokens]), torch.tensor([len(tokens) for tokens in flat])
    with torch.inference_mode():
        logits, _ = model.wide(ids, lengths)
    assert right_share(logits, documents[:60]) > 0.95
    again = tiny_network()
    train_wide(again, tiny_tokenizer(), [], 1, tmp_path)
    assert torch.equal(again.wide.table, model.wide.table)


def test_the_encoder_learns_what_is_there() -> None:
    torch.manual_seed(0)
    documents, model = labelled(60), tiny_network()
    batch = examples(documents, tiny_tokenizer())
    optimizer = torch.optim.Adam([*model.encoder.parameters(), *model.heads.parameters()], lr=3e-3)
    for _ in range(60):
        optimizer.zero_grad()
        deep_loss(model, batch).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    ids, lengths = pad([example.ids for example in batch])
    with torch.inference_mode():
        total, largest = pool(model.encoder(ids, lengths), lengths)
        logits = model.heads.sentiment(torch.cat([total / lengths[:, None], largest], 1))
    assert right_share(logits, documents) > 0.95


def test_fine_tuning_changes_encoder_and_heads_and_is_not_run_twice(tmp_path: Path) -> None:
    model = tiny_network()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    finetune(model, tiny_tokenizer(), labelled(300), Lesson("short", 1.0, (1,)), tmp_path)
    changed = {name.split(".")[0] for name, value in model.state_dict().items() if not torch.equal(value, before[name])}
    assert changed == {"encoder", "heads"}
    again = tiny_network()
    finetune(again, tiny_tokenizer(), [], Lesson("short", 1.0, (1,)), tmp_path)
    assert torch.equal(again.encoder.words.weight, model.encoder.words.weight)


def test_polishing_starts_each_seed_from_the_same_weights_and_they_have_a_mean(tmp_path: Path) -> None:
    model = tiny_network()
    lessons = [Lesson(f"last-{seed}", 0.5, (seed,)) for seed in (1, 2)]
    first, second = polish(model, tiny_tokenizer(), labelled(200), lessons, tmp_path)
    states = [torch.load(tmp_path / f"{lesson.name}.pt", weights_only=True)["module"] for lesson in lessons]
    name = "encoder.words.weight"
    assert torch.equal(first[name], states[0][name])
    assert torch.equal(second[name], states[1][name])
    assert not torch.equal(first[name], second[name])
    assert torch.allclose(mean_weights([first, second])[name], (first[name] + second[name]) / 2, atol=1e-6)


def test_loss_is_blind_to_what_a_set_does_not_annotate() -> None:
    batch = examples([Document("great", "en", "cr_custrev", "positive", None, None, (), 1.0)], tiny_tokenizer())
    emotions = torch.zeros(1, 15, requires_grad=True)
    sentiment = torch.zeros(1, 4, requires_grad=True)
    text_loss(sentiment, emotions, Targets.of(batch)).backward()  # type: ignore[no-untyped-call]
    assert emotions.grad is None or not emotions.grad.any()
    assert sentiment.grad is not None
    assert sentiment.grad[0, 2] < 0 < sentiment.grad[0, 0]


def test_translation_embeddings_find_the_word_that_means_the_same() -> None:
    known = np.eye(4, dtype=np.float32)
    pairs = [([0, 1], [0, 1]), ([0, 2], [0, 2]), ([1, 2], [1, 2]), ([0], [0])] * 20
    embeddings, found = translation_embeddings(pairs, 5, known)
    assert found.tolist() == [True, True, True, False, False]
    assert embeddings[:3, :3].argmax(axis=1).tolist() == [0, 1, 2]
    filled = fill_by_prefix(["abcde", "bbbb", "cccc", "abcdx", "zz"], embeddings, found, seed=0)
    assert np.allclose(filled[3], embeddings[0])
    assert np.isfinite(filled).all()


def test_alignment_loss_is_smallest_for_the_teachers_own_vectors() -> None:
    teacher = nn.functional.normalize(torch.randn(6, 16, generator=torch.Generator().manual_seed(0)), dim=1)
    assert alignment_loss(teacher, teacher) < alignment_loss(teacher.roll(1, 0), teacher)


def test_scores_agree_with_a_count_by_hand() -> None:
    gold, predicted = list("aabbc"), list("abbbc")
    assert macro_f1(gold, predicted, "abc") == pytest.approx((2 / 3 + 4 / 5 + 1) / 3)
    confidence = np.array([0.95, 0.95, 0.55, 0.55], np.float32)
    assert calibration_error(confidence, np.array([True, True, True, False])) == pytest.approx((0.05 + 0.05) / 2, abs=1e-6)


def measured(count: int = 400) -> Measured:
    """Deep logits that are right but far too sure, wide ones that are noise."""
    rng = np.random.default_rng(0)
    gold = rng.integers(0, 4, count)
    deep = rng.normal(size=(count, 4)).astype(np.float32) * 12
    deep[np.arange(count), gold] += 12
    noise = rng.normal(size=(count, 15)).astype(np.float32)
    emotions = tuple("joy" if noise[index, 0] > 0 else "anger" for index in range(count))
    spans = [Span(0, 1, "+", "food"), Span(0, 1, "-", "food")] * 20
    marked = [(span,) for span in spans] + [()] * (count - len(spans))
    documents = [Document("x", "en", "written", SENTIMENTS[g], None, (e,), s, 1.0) for g, e, s in zip(gold, emotions, marked, strict=True)]
    polarity = np.array([[0, 0, 5, 0], [5, 0, 0, 0]] * 20, np.float32)
    story, tokens = np.zeros((count, STORY_LOGITS), np.float32), np.zeros((0, TOKEN_LOGITS), np.float32)
    raw = RawScores(deep, noise, deep[::-1].copy(), noise[::-1].copy(), story, tokens, np.ones(count, np.int64))
    return Measured(documents, raw, np.full(count, 24), polarity, [None] * count)


def test_calibration_makes_sure_scores_honest_and_drops_a_useless_branch() -> None:
    data = measured()
    fitted = calibrate(data)
    assert abs(fitted.sentiment.wide) < 0.3 * fitted.sentiment.deep
    probabilities = softmax(fitted.sentiment.combine(data.raw.sentiment, data.raw.wide_sentiment, data.tokens))
    gold = np.array([SENTIMENTS.index(document.sentiment or "") for document in data.documents])
    correct = probabilities.argmax(1) == gold
    raw_error = calibration_error(softmax(data.raw.sentiment).max(1), softmax(data.raw.sentiment).argmax(1) == gold)
    assert calibration_error(probabilities.max(1), correct) < raw_error
    scores = {score.task: score for score in score_sets(judge(data, fitted))}
    assert scores["sentiment"].accuracy == pytest.approx(float(correct.mean()))
    assert scores["sentiment"].size == 400


def test_cross_fitting_judges_each_half_by_the_other() -> None:
    data = measured()
    documents = [replace(document, text=str(index)) for index, document in enumerate(data.documents)]
    seen: list[set[str]] = []

    def fit(half: Measured) -> Calibration:
        seen.append({document.text for document in half.documents})
        return calibrate(half)

    judged = cross_fitted(replace(data, documents=documents), fit)
    assert seen[0].isdisjoint(seen[1])
    assert seen[0] | seen[1] == {document.text for document in documents}
    assert judged.documents == documents
    gold = np.array([SENTIMENTS.index(document.sentiment or "") for document in documents])
    assert (judged.sentiments.argmax(1) == gold).mean() > 0.5


def test_the_reliability_plot_shows_every_language(tmp_path: Path) -> None:
    pairs = (np.array([0.3, 0.9, 0.95], np.float32), np.array([False, True, True]))
    reliability_plot({"el": pairs, "ro": pairs}, tmp_path / "plot.svg")
    drawn = (tmp_path / "plot.svg").read_text(encoding="utf-8")
    assert "Greek" in drawn
    assert "Romanian" in drawn


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name = 1\n", "missing"),
        ("nonsense", "cannot be read"),
        ('name = "a"\nspeed = 3\n[seconds]\nalign = 1\nfinetune = 1\n', "unknown keys"),
    ],
)
def test_a_bad_recipe_is_refused(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "recipe.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=said):
        Recipe.read(path)


def test_a_time_budget_is_shared_out_among_the_stages() -> None:
    seconds = {"align": 30.0, "finetune": 60.0, "deepen": 20.0, "pretrain": 0.0, "immerse": 0.0, "polish": 5.0, "settle": 4.0}
    recipe = Recipe("a", "1", 1, 100, 2, seconds).within(64.0)
    halved = {"align": 15.0, "finetune": 30.0, "deepen": 10.0, "pretrain": 0.0, "immerse": 0.0, "polish": 2.5, "settle": 2.0}
    assert recipe.seconds == halved
    both = Recipe("a", "1", 1, 100, 2, seconds | {"pretrain": 10.0, "immerse": 20.0}).within(84.0)
    assert both.seconds["polish"] == 2.5


def test_a_recipe_with_hidden_words_has_a_second_strand() -> None:
    seconds = {"align": 30.0, "finetune": 60.0, "deepen": 20.0, "pretrain": 10.0, "immerse": 20.0, "polish": 5.0, "settle": 4.0}
    first, strands = Recipe("a", "1", 1, 100, 2, seconds).lessons()
    assert [strand.immersed for strand in strands] == [False, True]
    names = [first.name, *(lesson.name for strand in strands for lesson in (strand.long, *strand.last))]
    assert len(set(names)) == 7
    assert len(Recipe("a", "1", 1, 100, 2, seconds | {"pretrain": 0.0}).lessons()[1]) == 1
