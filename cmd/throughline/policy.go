package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"throughline/assist"
	"throughline/problem"
)

// policyVerbs are what can be done with policies.
func policyVerbs() []command {
	return []command{
		{"check", "every rule parses, is of the right types, has an action, and comes to an end", checkPolicy},
		{"test", "play scenarios over every channel; fail where a decision differs or is not the one expected", testPolicy},
		{"backtest", "what a policy would have done with what happened", backtestPolicy},
		{"activate", "put a policy in force in a running Throughline, without a restart", activatePolicy},
		{"rollback", "put the version that was in force before, or another one, in force again", rollbackPolicy},
		{"list", "the versions that were in force", listPolicies},
		{"show", "print the policy in force, or another version", showPolicy},
	}
}

func policy(ctx context.Context, args []string) error {
	return runVerb(ctx, "policy", policyVerbs(), args, "docs/policy.md describes policies.")
}

// runVerb runs the verb that args begin with, or tells what there is.
func runVerb(ctx context.Context, of string, verbs []command, args []string, more string) error {
	f := flags(of+" VERB [flags] [FILE]", "")
	var names []string
	for _, v := range verbs {
		names = append(names, v.name)
	}
	f.Usage = func() {
		fmt.Fprintf(f.Output(), "Usage: throughline %s\n\n", f.Name())
		for _, v := range verbs {
			fmt.Fprintf(f.Output(), "  %-9s %s\n", v.name, v.about)
		}
		fmt.Fprintf(f.Output(), "\nthroughline %s VERB --help tells more; %s\n", of, more)
	}
	word, rest, err := verb(f, args, names...)
	if err != nil {
		return err
	}
	return verbs[slices.Index(names, word)].run(ctx, rest)
}

func checkPolicy(_ context.Context, args []string) error {
	f := flags("policy check [--config SETTINGS] [FILE]", "Check a policy. Without FILE the shipped one is checked.")
	path := f.String("config", "", "settings `file` (YAML): also check that webhook actions name one of its outgoing.targets")
	if err := parse(f, args, 0, 1); err != nil {
		return err
	}
	p, err := assist.LoadFile(f.Arg(0))
	if err != nil {
		return err
	}
	if *path != "" {
		s, err := load(*path)
		if err != nil {
			return err
		}
		if err := p.CheckTargets(s.Outgoing.Names()); err != nil {
			return err
		}
	}
	fmt.Printf("policy %s is sound: %d rules: %s\n", p.Version, len(p.Rules()), strings.Join(p.Rules(), ", "))
	return nil
}

// remote is a running Throughline that is asked something.
type remote struct {
	url   *address
	token *string
}

func remoteFlags(f *flag.FlagSet) remote {
	return remote{
		url:   addressFlag(f),
		token: f.String("token", os.Getenv("THROUGHLINE_TOKEN"), "access `token` of a supervisor; default: THROUGHLINE_TOKEN"),
	}
}

// unreached names the way out where nobody answers at --url.
func unreached(err error) error {
	return fmt.Errorf("%w: is throughline serve running there? --url says where", err)
}

// ask sends a request and decodes the answer; a refusal tells all that is wrong.
func (r remote) ask(ctx context.Context, method, path string, body io.Reader, into any) error {
	req, err := http.NewRequestWithContext(ctx, method, r.url.String()+path, body)
	if err != nil {
		return err
	}
	if *r.token != "" {
		req.Header.Set("Authorization", "Bearer "+*r.token)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/yaml")
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return unreached(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusOK {
		return json.NewDecoder(resp.Body).Decode(into)
	}
	return refusal(resp)
}

// refusal tells all that the problem in an answer says is wrong.
func refusal(resp *http.Response) error {
	var p problem.Problem
	if err := json.NewDecoder(io.LimitReader(resp.Body, 1<<20)).Decode(&p); err != nil || p.Status == 0 {
		return fmt.Errorf("%s %s: %s", resp.Request.Method, resp.Request.URL.Path, resp.Status)
	}
	problems := []error{errors.New(p.Title + ": " + p.Detail)}
	for _, w := range p.Errors {
		where := w.Pointer
		if w.Line > 0 {
			where = fmt.Sprintf("%d:%d:", w.Line, w.Column)
		}
		problems = append(problems, errors.New(where+" "+w.Detail))
	}
	return errors.Join(problems...)
}

func activatePolicy(ctx context.Context, args []string) error {
	f := flags("policy activate [flags] FILE", "Put a policy in force in a running Throughline: every process decides by it from now on. What an unchanged rule has decided is not decided again.")
	to := remoteFlags(f)
	if err := parse(f, args, 1, 1); err != nil {
		return err
	}
	if _, err := assist.LoadFile(f.Arg(0)); err != nil { // here the file has its name
		return err
	}
	text, err := os.Open(f.Arg(0))
	if err != nil {
		return err
	}
	defer text.Close()
	var now assist.InForce
	if err := to.ask(ctx, http.MethodPut, "/v1/policy", text, &now); err != nil {
		return err
	}
	fmt.Printf("policy %s is in force: %d rules\n", now.Version, len(now.Rules))
	return nil
}

func rollbackPolicy(ctx context.Context, args []string) error {
	f := flags("policy rollback [flags] [VERSION]", "Put a version in force again. Without VERSION it is the one that was in force before.")
	to := remoteFlags(f)
	if err := parse(f, args, 0, len(args)); err != nil { // a version has words of its own
		return err
	}
	var now assist.InForce
	if err := to.ask(ctx, http.MethodPost, "/v1/policy/rollbacks?version="+url.QueryEscape(strings.Join(f.Args(), " ")), nil, &now); err != nil {
		return err
	}
	fmt.Printf("policy %s is in force: %d rules\n", now.Version, len(now.Rules))
	return nil
}

func listPolicies(ctx context.Context, args []string) error {
	f := flags("policy list [flags]", "List the versions that were in force, the last one first.")
	to := remoteFlags(f)
	if err := parse(f, args, 0, 0); err != nil {
		return err
	}
	var all assist.Versions
	if err := to.ask(ctx, http.MethodGet, "/v1/policy/versions", nil, &all); err != nil {
		return err
	}
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "VERSION\tRULES\tPUT IN FORCE\tBY\t")
	for _, v := range all.Versions {
		when, now := "configured", ""
		if !v.At.IsZero() {
			when = v.At.Local().Format(time.DateTime)
		}
		if v.Active {
			now = "in force"
		}
		fmt.Fprintf(w, "%s\t%d\t%s\t%s\t%s\n", v.Version, len(v.Rules), when, v.By, now)
	}
	return w.Flush()
}

func showPolicy(ctx context.Context, args []string) error {
	f := flags("policy show [flags] [VERSION]", "Print the policy in force, or another version.")
	to := remoteFlags(f)
	if err := parse(f, args, 0, len(args)); err != nil { // a version has words of its own
		return err
	}
	var v assist.InForce
	if err := to.ask(ctx, http.MethodGet, "/v1/policy?version="+url.QueryEscape(strings.Join(f.Args(), " ")), nil, &v); err != nil {
		return err
	}
	fmt.Print(v.Text)
	return nil
}
