package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"throughline/flaw"
	"throughline/nlp"
	"throughline/nlp/category"
	"throughline/nlp/entity"
	"throughline/nlp/intent"
)

// understanding is how turns are read, and what of it its owner changes while
// turns are read.
type understanding struct {
	reader nlp.Reader
	model  *nlp.Model
	files  []followed
}

// followed is a file of the user's that is put in force again when it changes.
type followed struct {
	what, path string
	reload     func(ctx context.Context, path string) error
	seen       stamp
}

// stamp tells whether a file was written since. Editors replace files, so that
// neither time nor size alone is enough.
type stamp struct {
	at   time.Time
	size int64
}

// newUnderstanding fits the intents the user owns, and the categories, to what a
// reader makes of text.
func newUnderstanding(ctx context.Context, s nlpSettings, reader nlp.Reader) (*understanding, error) {
	u := &understanding{reader: reader}
	taxonomy, err := intent.Default()
	if s.Intents != "" {
		seen := stampOf(s.Intents) // before it is read: a change meanwhile is seen later
		var file []byte
		if file, err = os.ReadFile(s.Intents); err != nil {
			return nil, fmt.Errorf("nlp.intents: %w", err)
		}
		if taxonomy, err = intent.Parse(file); err != nil {
			return nil, fmt.Errorf("nlp.intents: %w", flaw.In(s.Intents, err))
		}
		u.files = append(u.files, followed{what: "intents", path: s.Intents, seen: seen})
	}
	if err != nil {
		return nil, err
	}
	owned, err := intent.Own(ctx, taxonomy, reader, intent.Options{})
	if err != nil {
		return nil, fmt.Errorf("nlp.intents: %w", flaw.In(cmp.Or(s.Intents, "the shipped taxonomy"), err))
	}
	for i := range u.files {
		u.files[i].reload = owned.ReloadFile
	}
	rules, err := category.New(reader)
	if err != nil {
		return nil, err
	}
	if s.Categories != "" {
		seen := stampOf(s.Categories)
		if err := rules.ReloadFile(ctx, s.Categories); err != nil {
			return nil, fmt.Errorf("nlp.categories: %w", err)
		}
		u.files = append(u.files, followed{what: "categories", path: s.Categories, reload: rules.ReloadFile, seen: seen})
	}
	u.model = nlp.New(nlp.Parts{Reader: reader, Intents: owned, Entities: entity.NewFinder(s.Products).Find, Categories: rules.Match, AgentEmotions: s.Agents})
	return u, nil
}

// readOften is how often the files are looked at. A look is one stat.
const readOften = time.Second

// follow puts changed files in force until ctx ends. A file that cannot be used is
// told to the log, with its line, and what was in force stays.
func (u *understanding) follow(ctx context.Context, log *slog.Logger) error {
	tick := time.NewTicker(readOften)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		for i := range u.files {
			f := &u.files[i]
			now := stampOf(f.path)
			if now == f.seen {
				continue
			}
			f.seen = now
			if err := f.reload(ctx, f.path); err != nil {
				log.Error("a changed file is not put in force; the old one stays", "component", "nlp", "file", f.what, "error", err)
				continue
			}
			log.Info("a changed file is in force", "component", "nlp", "file", f.what)
		}
	}
}

// stampOf is the zero stamp where there is no file, as there may be for a
// moment while an editor replaces it.
func stampOf(path string) stamp {
	info, err := os.Stat(path)
	if err != nil {
		return stamp{}
	}
	return stamp{info.ModTime(), info.Size()}
}

// The values of nlp.model.
const (
	readAuto    = "auto"
	readFloor   = "floor"
	readEncoder = "encoder"
)

// fetchWithin bounds how long a first start may wait for the encoder's runtime
// before it goes on with the floor.
const fetchWithin = 2 * time.Minute

// reading is who reads turns. Its encoder is nil where the floor goes on reading.
type reading struct {
	encoder *textModel
	*understanding
}

// openReading opens and fits what the settings want, beside whatever else starts:
// hundreds of example sentences are read. The floor of h.read has shown that the
// files are sound.
func (h *house) openReading(ctx context.Context) (wait func() (reading, error)) {
	type opened struct {
		reading
		err error
	}
	done := make(chan opened, 1)
	go func() {
		r, err := h.betterReading(ctx, os.Stderr)
		done <- opened{r, err}
	}()
	return func() (reading, error) {
		o := <-done
		return o.reading, o.err
	}
}

func (h *house) betterReading(ctx context.Context, progress io.Writer) (reading, error) {
	floor := reading{understanding: h.read}
	if h.settings.NLP.Model == readFloor {
		return floor, nil
	}
	bounded, cancel := context.WithTimeout(ctx, fetchWithin)
	defer cancel()
	text, err := openEncoder(bounded, progress)
	switch {
	case err != nil && h.settings.NLP.Model == readEncoder:
		return floor, fmt.Errorf("nlp.model encoder: %w; nlp.model auto goes on with the floor model", err)
	case err != nil:
		h.log.Warn("the text encoder cannot be opened; the floor model reads instead", "component", "nlp", "error", err)
		return floor, nil
	}
	u, err := newUnderstanding(ctx, h.settings.NLP, text.Reader)
	if err != nil {
		text.Close() // the error of fitting says more than one of closing
		return floor, fmt.Errorf("nlp: %w", err)
	}
	return reading{text, u}, nil
}

// startReading settles who reads turns, and follows the user's files.
func (h *house) startReading(life *lifecycle, wait func() (reading, error)) error {
	r, err := wait()
	if err != nil {
		return err
	}
	h.read = r.understanding
	if r.encoder != nil {
		life.start(service{name: "encoder", run: func(ctx context.Context) error { <-ctx.Done(); return r.encoder.Close() }})
	}
	if len(h.read.files) > 0 {
		life.start(service{name: "changed files", run: func(ctx context.Context) error { return h.read.follow(ctx, h.log) }})
	}
	return nil
}
