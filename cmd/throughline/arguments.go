package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"net/url"
	"os"
	"slices"
	"strings"

	"throughline/cmd/throughline/config"
)

// errUsage ends with the usage already printed.
var errUsage = errors.New("usage")

// flags makes a flag set that prints its own help. The name is how the command is
// written: its words, then what it takes.
func flags(name, about string) *flag.FlagSet {
	f := flag.NewFlagSet(name, flag.ContinueOnError)
	f.Usage = func() {
		fmt.Fprintf(f.Output(), "Usage: throughline %s\n\n%s\n\n", name, about)
		f.PrintDefaults()
	}
	return f
}

// parse reads what follows a command: flags, then from least to most words. Help
// that is asked for goes to standard output; a mistake is told in one line.
func parse(f *flag.FlagSet, args []string, least, most int) error {
	f.SetOutput(io.Discard)
	err := f.Parse(args)
	f.SetOutput(os.Stderr)
	rest := f.Args()
	switch {
	case errors.Is(err, flag.ErrHelp):
		f.SetOutput(os.Stdout)
		f.Usage()
		return err
	case err != nil:
		return mistaken(f, plainFlag(f, err))
	case len(rest) < least:
		f.Usage()
		return errUsage
	}
	for _, word := range rest {
		if len(word) > 1 && word[0] == '-' {
			return mistaken(f, fmt.Sprintf("%s stands after %s: flags come first", word, rest[0]))
		}
	}
	if len(rest) > most {
		return mistaken(f, fmt.Sprintf("%q is an argument too many", rest[most]))
	}
	return nil
}

// mistaken says what is wrong with a command's arguments, and where help is.
func mistaken(f *flag.FlagSet, what string) error {
	name := called(f)
	return fmt.Errorf("%s: %s; throughline %s --help tells more", name, what, name)
}

// called is the words of a flag set's name, without what the command takes.
func called(f *flag.FlagSet) string {
	words := strings.Fields(f.Name())
	for i, w := range words {
		if strings.Trim(w, "abcdefghijklmnopqrstuvwxyz") != "" {
			return strings.Join(words[:i], " ")
		}
	}
	return f.Name()
}

// plainFlag says what package flag says of a flag, and which one may be meant.
func plainFlag(f *flag.FlagSet, err error) string {
	name, unknown := strings.CutPrefix(err.Error(), "flag provided but not defined: -")
	if !unknown {
		return err.Error()
	}
	var names []string
	f.VisitAll(func(known *flag.Flag) { names = append(names, known.Name) })
	return "there is no flag --" + name + didYouMean("--", name, names)
}

// verb takes the word that begins args, which must be one of those known. Without
// any, or where help is asked for, help is printed.
func verb(f *flag.FlagSet, args []string, known ...string) (word string, rest []string, err error) {
	switch {
	case len(args) == 0:
		f.Usage()
		return "", nil, errUsage
	case slices.Contains(known, args[0]):
		return args[0], args[1:], nil
	case asksForHelp(args[0]):
		f.SetOutput(os.Stdout)
		f.Usage()
		return "", nil, flag.ErrHelp
	}
	return "", nil, mistaken(f, fmt.Sprintf("%q is not a verb: use %s%s", args[0], strings.Join(known, ", "), didYouMean("", args[0], known)))
}

// address is the value of a flag that says where a running Throughline answers.
type address string

func addressFlag(f *flag.FlagSet) *address {
	a := address("http://127.0.0.1:8080")
	f.Var(&a, "url", "`address` of the running Throughline")
	return &a
}

func (a *address) String() string { return string(*a) }

// Set implements flag.Value.
func (a *address) Set(s string) error {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return errors.New("write it as http://127.0.0.1:8080")
	}
	*a = address(strings.TrimSuffix(s, "/"))
	return nil
}

func asksForHelp(word string) bool {
	return slices.Contains([]string{"help", "--help", "-help", "-h"}, word)
}

// didYouMean names the word that a misspelt one stands for, if there is one.
func didYouMean(prefix, word string, known []string) string {
	if meant := config.Meant(word, known); meant != "" {
		return " (did you mean " + prefix + meant + "?)"
	}
	return ""
}
