"""Runs an exported encoder as the Go program does: one thread, whole texts, no state."""

import numpy as np
import onnxruntime

import text

SERVED_TOKENS = 128


class Runtime:
    def __init__(self, model, vocab, threads=1):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.log_severity_level = 3
        self.session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
        self.tok = text.tokenizer(vocab, SERVED_TOKENS)

    def ids(self, t):
        return self.tok.encode(text.normalise(t)).ids

    def run(self, texts):
        """embedding, sentiment and emotions of each text, in order.

        One text a run: dynamic quantisation takes its scale from all that is
        in a run, so company would change a text's numbers."""
        rows = [self.session.run(None, inputs(self.ids(t))) for t in texts]
        return [np.concatenate(column) for column in zip(*rows)]


def inputs(ids):
    """What the network takes for one text: a single block."""
    return {"input_ids": np.array([ids], np.int64), "positions": np.arange(len(ids))[None],
            "blocks": np.ones((1, len(ids)), np.float32)}
