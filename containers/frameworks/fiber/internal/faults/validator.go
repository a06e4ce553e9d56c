// Package faults checks requests by their tags and names every rule that one breaks, in the form that
// containers/CONTRACT.md asks for.
//
// Fiber's binding gives up at the first unknown field and at the first value of a wrong type. Only then, and where the rules
// of the tags are broken, is a request looked at again here.
package faults

import (
	"errors"
	"reflect"
	"regexp"
	"strings"

	"github.com/go-playground/validator/v10"
)

// codes translates the tags of the validator: gte and lte bound numbers, min and max the size of lists.
var codes = map[string]string{
	"required": "required",
	"gte":      "range",
	"lte":      "range",
	"min":      "size",
	"max":      "size",
	"sku":      "format",
}

var sku = regexp.MustCompile(`^[A-Z0-9-]{3,32}$`)

// Validator is go-playground/validator as Fiber's StructValidator.
type Validator struct {
	validate *validator.Validate
}

// NewValidator makes a validator that knows the tag sku and names fields as requests do.
func NewValidator() (*Validator, error) {
	validate := validator.New(validator.WithRequiredStructEnabled())
	validate.RegisterTagNameFunc(fieldName)
	err := validate.RegisterValidation("sku", func(field validator.FieldLevel) bool {
		return sku.MatchString(field.Field().String())
	})
	return &Validator{validate: validate}, err
}

// Validate checks what a request was bound to.
func (v *Validator) Validate(request any) error {
	return v.validate.Struct(request)
}

// violations adds the broken rules of the tags to those faults of the request's shape that are known.
func (v *Validator) violations(request any, shape list) list {
	var violations validator.ValidationErrors
	if !errors.As(v.validate.Struct(request), &violations) {
		return shape
	}
	found := shape
	for _, violation := range violations {
		path := pathOf(violation)
		if !shape.covers(path) {
			found.add(path, codes[violation.Tag()])
		}
	}
	return found
}

// pathOf makes lines.0.sku of orderRequest.lines[0].sku.
func pathOf(violation validator.FieldError) string {
	_, path, _ := strings.Cut(violation.Namespace(), ".")
	return strings.NewReplacer("[", ".", "]", "").Replace(path)
}

func fieldName(field reflect.StructField) string {
	name := field.Tag.Get("json")
	if name == "" {
		name = field.Tag.Get("query")
	}
	name, _, _ = strings.Cut(name, ",")
	return name
}
