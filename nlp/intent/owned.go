package intent

import (
	"context"
	"fmt"
	"os"
	"sync/atomic"

	"throughline/flaw"
)

// Owned is a head that its user can replace while it answers.
type Owned struct {
	embedder Embedder
	options  Options
	current  atomic.Pointer[fitted]
}

type fitted struct {
	head     *Head
	taxonomy Taxonomy
}

// Own fits a first taxonomy.
func Own(ctx context.Context, t Taxonomy, e Embedder, o Options) (*Owned, error) {
	owned := &Owned{embedder: e, options: o}
	if err := owned.fit(ctx, t); err != nil {
		return nil, err
	}
	return owned, nil
}

func (o *Owned) fit(ctx context.Context, t Taxonomy) error {
	head, err := FitTaxonomy(ctx, t, o.embedder, o.options)
	if err != nil {
		return err
	}
	o.current.Store(&fitted{head, t})
	return nil
}

// Reload fits the taxonomy in file and puts it in force. Where it fails the old
// one stays, and the error says which line is wrong and why.
func (o *Owned) Reload(ctx context.Context, file []byte) error {
	t, err := Parse(file)
	if err != nil {
		return err
	}
	return o.fit(ctx, t)
}

// ReloadFile is Reload of the file at path.
func (o *Owned) ReloadFile(ctx context.Context, path string) error {
	file, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("read intents: %w", err)
	}
	return flaw.In(path, o.Reload(ctx, file))
}

// Head in force.
func (o *Owned) Head() *Head { return o.current.Load().head }

// Taxonomy in force.
func (o *Owned) Taxonomy() Taxonomy { return o.current.Load().taxonomy }
