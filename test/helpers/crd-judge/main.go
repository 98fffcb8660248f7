// Judges Kubernetes objects as a current API server does: structural schema, unknown fields, defaults, list types and CEL rules, with the
// server's own packages. The first arguments are CustomResourceDefinitions (YAML). Each line on standard input is {"object":…,"old":…} (old
// for an update), each line on standard output what is wrong with it, as a JSON list of sentences.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	structuralschema "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/listtype"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/objectmeta"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
	"sigs.k8s.io/yaml"
)

type kind struct {
	namespaced bool
	structural *structuralschema.Structural
	schema     validation.SchemaValidator
	rules      *cel.Validator
}

func main() {
	kinds := map[string]kind{}
	for _, file := range os.Args[1:] {
		if err := readDefinition(file, kinds); err != nil {
			fmt.Fprintf(os.Stderr, "%s: %v\n", file, err)
			os.Exit(1)
		}
	}
	lines := bufio.NewReader(os.Stdin)
	out := json.NewEncoder(os.Stdout)
	for {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			return
		}
		var question struct {
			Object map[string]any `json:"object"`
			Old    map[string]any `json:"old"`
		}
		if err := json.Unmarshal(line, &question); err != nil {
			_ = out.Encode([]string{err.Error()})
			continue
		}
		_ = out.Encode(judge(kinds, question.Object, question.Old))
	}
}

func readDefinition(file string, kinds map[string]kind) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var crd apiextensionsv1.CustomResourceDefinition
	if err := yaml.Unmarshal(text, &crd); err != nil {
		return err
	}
	for _, version := range crd.Spec.Versions {
		var props apiextensions.JSONSchemaProps
		if err := apiextensionsv1.Convert_v1_JSONSchemaProps_To_apiextensions_JSONSchemaProps(version.Schema.OpenAPIV3Schema, &props, nil); err != nil {
			return err
		}
		structural, err := structuralschema.NewStructural(&props)
		if err != nil {
			return err
		}
		schema, _, err := validation.NewSchemaValidator(&props)
		if err != nil {
			return err
		}
		kinds[crd.Spec.Group+"/"+version.Name+" "+crd.Spec.Names.Kind] = kind{
			namespaced: crd.Spec.Scope == apiextensionsv1.NamespaceScoped,
			structural: structural,
			schema:     schema,
			rules:      cel.NewValidator(structural, true, celconfig.PerCallLimit),
		}
	}
	return nil
}

func judge(kinds map[string]kind, object, old map[string]any) []string {
	faults := []string{}
	found, ok := kinds[fmt.Sprint(object["apiVersion"], " ", object["kind"])]
	if !ok {
		return append(faults, "no such kind")
	}
	// Numbers of JSON become int64 where they are whole, as the server reads them.
	object, old = normalise(object), normalise(old)
	for _, path := range pruning.PruneWithOptions(object, found.structural, true, structuralschema.UnknownFieldPathOptions{TrackUnknownFieldPaths: true}) {
		faults = append(faults, fmt.Sprintf("unknown field %q", path))
	}
	metadata, _ := object["metadata"].(map[string]any)
	if namespace, _ := metadata["namespace"].(string); found.namespaced && namespace == "" {
		faults = append(faults, "metadata.namespace: Required value")
	}
	for _, one := range []map[string]any{object, old} {
		if one != nil {
			defaulting.PruneNonNullableNullsWithoutDefaults(one, found.structural)
			defaulting.Default(one, found.structural)
		}
	}
	errors := field.ErrorList{}
	if old == nil {
		errors = append(errors, validation.ValidateCustomResource(nil, object, found.schema)...)
	} else {
		errors = append(errors, validation.ValidateCustomResourceUpdate(nil, object, old, found.schema)...)
	}
	errors = append(errors, objectmeta.Validate(nil, object, found.structural, true)...)
	errors = append(errors, listtype.ValidateListSetsAndMaps(nil, found.structural, object)...)
	if found.rules != nil {
		var before any
		if old != nil {
			before = old
		}
		more, _ := found.rules.Validate(context.Background(), nil, found.structural, object, before, celconfig.RuntimeCELCostBudget)
		errors = append(errors, more...)
	}
	for _, err := range errors {
		faults = append(faults, strings.TrimPrefix(err.Error(), "<nil>: "))
	}
	return faults
}

func normalise(value map[string]any) map[string]any {
	if value == nil {
		return nil
	}
	return runtime.DeepCopyJSON(whole(value).(map[string]any))
}

func whole(value any) any {
	switch typed := value.(type) {
	case map[string]any:
		for key, item := range typed {
			typed[key] = whole(item)
		}
	case []any:
		for index, item := range typed {
			typed[index] = whole(item)
		}
	case float64:
		if typed == float64(int64(typed)) {
			return int64(typed)
		}
	}
	return value
}
