#!/bin/sh
# Speaks the calls of the demo day: NAME.txt becomes NAME-agent.ogg and
# NAME-customer.ogg, Opus from 8 kHz, one party each and of one length. A line is
# who speaks, the pause before in seconds (below 0: into the other's words), and
# the words. Needs flite, ffmpeg (with libopus) and awk: apt-get install flite ffmpeg.
set -eu
cd "$(dirname "$0")"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# speak WHO CALL WORDS: headerless 16-bit samples at 8 kHz on stdout. Flite's
# voices are understood by recognisers, which espeak-ng's are not.
speak() {
	case $2-$1 in
	blender-*-agent | outage-*-customer) voice=rms stretch=1.0 ;;
	*) voice=slt stretch=0.98 ;;
	esac
	flite -voice "$voice" --setf duration_stretch="$stretch" -t "$3" -o "$scratch/spoken.wav"
	ffmpeg -nostdin -loglevel error -i "$scratch/spoken.wav" -ar 8000 -ac 1 -f s16le pipe:1
}

for script in *.txt; do
	call=${script%.txt}
	now=0
	: >"$scratch/agent" && : >"$scratch/customer"
	while read -r who pause words; do
		now=$(echo "$now $pause" | awk '{ print $1 + int($2 * 8000) }')
		truncate -s $((now * 2)) "$scratch/$who"
		speak "$who" "$call" "$words" >"$scratch/line"
		cat "$scratch/line" >>"$scratch/$who"
		now=$((now + $(wc -c <"$scratch/line") / 2))
	done <"$script"
	for who in agent customer; do
		truncate -s $(((now + 4000) * 2)) "$scratch/$who"
		ffmpeg -nostdin -loglevel error -y -f s16le -ar 8000 -ac 1 -i "$scratch/$who" \
			-c:a libopus -b:a 20k -application voip -map_metadata -1 "$call-$who.ogg"
	done
done
