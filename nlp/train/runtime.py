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

    def run(self, texts, batch=1):
        """embedding, sentiment and emotions of each text, in order.

        One text a batch: dynamic quantisation takes its scale from the whole
        batch, so company would change a text's numbers."""
        rows = [e.ids for e in self.tok.encode_batch([text.normalise(t) for t in texts])]
        order = sorted(range(len(rows)), key=lambda i: len(rows[i]))
        out = None
        for at in range(0, len(order), batch):
            part = order[at:at + batch]
            width = max(len(rows[i]) for i in part)
            ids = np.zeros((len(part), width), np.int64)
            for k, i in enumerate(part):
                ids[k, :len(rows[i])] = rows[i]
            got = self.session.run(None, {"input_ids": ids, "attention_mask": (ids != 0).astype(np.int64)})
            if out is None:
                out = [np.zeros((len(rows), g.shape[1]), np.float32) for g in got]
            for o, g in zip(out, got):
                o[part] = g
        return out
