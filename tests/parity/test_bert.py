"""Our encoder against transformers' BertModel with the same weights."""

import pytest
import torch
from transformers import BertConfig, BertModel

from cxsentiment.encoder.conversion import from_bert
from cxsentiment.encoder.model import Encoder, EncoderConfig


@pytest.mark.parametrize("lengths", [[7], [3, 7, 5], [1, 7]])
def test_states_equal_those_of_transformers(lengths: list[int]) -> None:
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=60, hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=64, max_position_embeddings=32
    )
    bert = BertModel(config).eval()
    encoder = Encoder(EncoderConfig(60, 32, 2, 4, 64, 32)).eval()
    encoder.load_state_dict(from_bert(bert.state_dict(), layers=2))
    ids = torch.randint(1, 60, (len(lengths), max(lengths)))
    mask = torch.arange(max(lengths))[None, :] < torch.tensor(lengths)[:, None]
    with torch.inference_mode():
        expected = bert(ids, attention_mask=mask.long()).last_hidden_state
        found = encoder(ids, torch.tensor(lengths))
    assert torch.allclose(found[mask], expected[mask], atol=1e-5)
