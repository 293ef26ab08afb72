package document

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"

	"freehold.dev/freehold/fault"
)

// trusted are the documents of the operator (FREEHOLD_OPERATIONS). They are parsed and validated once, at start-up. A nil
// *trusted is empty.
type trusted struct {
	texts     map[string]string             // by id, and by the SHA-256 of the text in hexadecimal
	documents map[string]*ast.QueryDocument // by text
	names     map[string]bool               // of their operations
}

func (t *trusted) find(id string) (text string, found bool) {
	if t == nil {
		return "", false
	}
	text, found = t.texts[id]
	return text, found
}

func (t *trusted) has(text string) bool { return t.document(text) != nil }

// document returns the parsed document of a text, or nil.
func (t *trusted) document(text string) *ast.QueryDocument {
	if t == nil {
		return nil
	}
	return t.documents[text]
}

// operation reports whether a trusted document has an operation with this name.
func (t *trusted) operation(name string) bool { return t != nil && t.names[name] }

// loadTrusted reads a file, or all files of a folder and its subfolders. It returns nil for the path "". A .graphql or .gql file is
// one document. A .json file is a manifest: an object of ids and texts, as Relay and GraphQL Code Generator write it, or in
// Apollo's format apollo-persisted-query-manifest. The error names the file and the document.
func loadTrusted(ctx context.Context, path string, d *Documents) (*trusted, error) {
	if path == "" {
		return nil, nil //nolint:nilnil // as documented
	}
	t := &trusted{texts: map[string]string{}, documents: map[string]*ast.QueryDocument{}, names: map[string]bool{}}
	root, err := filepath.EvalSymlinks(path)
	if err == nil {
		err = filepath.WalkDir(root, func(file string, entry fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case file != root && strings.HasPrefix(entry.Name(), ".."): // the targets of links in a Kubernetes volume
				return skipIfFolder(entry)
			case entry.IsDir():
				return nil
			}
			return t.read(ctx, file, d)
		})
	}
	if err == nil && len(t.documents) == 0 {
		err = errors.New("no document found (.graphql, .gql or .json)")
	}
	if err != nil {
		return nil, fmt.Errorf("read the trusted documents (FREEHOLD_OPERATIONS): %w", err)
	}
	return t, nil
}

func skipIfFolder(entry fs.DirEntry) error {
	if entry.IsDir() {
		return fs.SkipDir
	}
	return nil
}

// read adds the documents of a file, or of the target of a link. It ignores other kinds of files.
func (t *trusted) read(ctx context.Context, file string, d *Documents) error {
	extension := filepath.Ext(file)
	if extension != ".graphql" && extension != ".gql" && extension != ".json" {
		return nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	documents := map[string]string{hashOf(string(text)): string(text)}
	if extension == ".json" {
		if documents, err = readManifest(text); err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
	}
	for id, document := range documents {
		if err := t.add(ctx, id, document, d); err != nil {
			return fmt.Errorf("%s: document %s: %w", file, fault.Shorten(id), err)
		}
	}
	return nil
}

func readManifest(text []byte) (map[string]string, error) {
	var apollo struct {
		Format     string
		Operations []struct{ ID, Body string }
	}
	if json.Unmarshal(text, &apollo) == nil && apollo.Format != "" {
		if apollo.Format != "apollo-persisted-query-manifest" {
			return nil, errors.New("unknown format of the manifest: it must be apollo-persisted-query-manifest")
		}
		documents := make(map[string]string, len(apollo.Operations))
		for _, operation := range apollo.Operations {
			if _, twice := documents[operation.ID]; twice || operation.ID == "" {
				return nil, errors.New("an id is missing or appears twice")
			}
			documents[operation.ID] = operation.Body
		}
		return documents, nil
	}
	var documents map[string]string
	if err := json.Unmarshal(text, &documents); err != nil {
		return nil, errors.New("this is not an object of ids and documents")
	}
	return documents, nil
}

func (t *trusted) add(ctx context.Context, id, text string, d *Documents) error {
	id = strings.TrimPrefix(id, "sha256:")
	if known, ok := t.texts[id]; ok && known != text {
		return errors.New("another document has the same id")
	}
	if t.documents[text] == nil {
		document, problems := d.parse(text)
		if len(problems) == 0 {
			problems = d.validate(document, Validators(nil).complete(ctx, nil))
		}
		if len(problems) > 0 {
			return problems[0]
		}
		t.documents[text] = document
		for _, operation := range document.Operations {
			t.names[operation.Name] = true
		}
	}
	t.texts[id], t.texts[hashOf(text)] = text, text
	return nil
}
