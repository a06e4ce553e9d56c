// Package faults names every rule that a request breaks, in the form that containers/CONTRACT.md asks for.
//
// Gin's binding gives up at the first unknown field and at the first value of a wrong type. Only then, and where the rules
// of the binding tags are broken, is a request looked at again here.
package faults

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/url"
	"reflect"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin/binding"
	"github.com/go-playground/validator/v10"
)

// Fault is a broken rule. Its path is the value's, with positions from 0, such as lines.0.sku.
type Fault struct {
	Path string `json:"path"`
	Code string `json:"code"`
}

// codes translates the tags of the validator: gte and lte bound numbers, min and max the size of lists.
var codes = map[string]string{
	"required": "required",
	"gte":      "range",
	"lte":      "range",
	"min":      "size",
	"max":      "size",
	"sku":      "format",
}

// FieldName has the validator name fields as requests do.
func FieldName(field reflect.StructField) string {
	name := field.Tag.Get("json")
	if name == "" {
		name = field.Tag.Get("form")
	}
	name, _, _ = strings.Cut(name, ",")
	return name
}

// InBody names the faults of a body, which is JSON. Request points to what the body was bound to.
func InBody(body []byte, request any) []Fault {
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	var document any
	if err := decoder.Decode(&document); err != nil {
		return []Fault{{Path: "", Code: "type"}}
	}
	var found list
	found.compare(document, reflect.TypeOf(request), "")
	found.addViolations(request)
	return found
}

// InQuery names the faults of a query string that is to be bound to whole numbers.
func InQuery(values url.Values, request any) []Fault {
	var found list
	fields := reflect.TypeOf(request).Elem()
	for i := range fields.NumField() {
		name := FieldName(fields.Field(i))
		if values.Get(name) == "" {
			continue
		}
		if code := wholeNumber(values.Get(name)); code != "" {
			found.add(name, code)
			values.Del(name)
		}
	}
	// What is left can be bound.
	if err := binding.MapFormWithTag(request, values, "form"); err != nil {
		found.add("", "type")
	}
	found.addViolations(request)
	return found
}

type list []Fault

func (l *list) add(path, code string) {
	*l = append(*l, Fault{Path: path, Code: code})
}

// compare adds the unknown fields and the values whose type is not the one that the struct has for them.
func (l *list) compare(value any, want reflect.Type, path string) {
	for want.Kind() == reflect.Pointer {
		want = want.Elem()
	}
	switch want.Kind() {
	case reflect.Struct:
		object, ok := value.(map[string]any)
		if !ok {
			l.add(path, "type")
			return
		}
		for name, value := range object {
			field, known := fieldNamed(want, name)
			if !known {
				l.add(join(path, name), "unknown")
			} else if value != nil { // null counts as missing
				l.compare(value, field.Type, join(path, name))
			}
		}
	case reflect.Slice:
		items, ok := value.([]any)
		if !ok {
			l.add(path, "type")
			return
		}
		for i, item := range items {
			if item != nil {
				l.compare(item, want.Elem(), join(path, strconv.Itoa(i)))
			}
		}
	case reflect.String:
		if _, ok := value.(string); !ok {
			l.add(path, "type")
		}
	default:
		number, ok := value.(json.Number)
		if !ok {
			l.add(path, "type")
		} else if code := wholeNumber(number.String()); code != "" {
			l.add(path, code)
		}
	}
}

// addViolations adds the broken rules of the binding tags, except where the type was wrong already.
func (l *list) addViolations(request any) {
	var violations validator.ValidationErrors
	if !errors.As(binding.Validator.ValidateStruct(request), &violations) {
		return
	}
	shape := *l
	for _, violation := range violations {
		path := pathOf(violation)
		if !shape.covers(path) {
			l.add(path, codes[violation.Tag()])
		}
	}
}

// covers says whether there is a fault of the value at the path or of one that it is part of.
func (l list) covers(path string) bool {
	for _, fault := range l {
		if fault.Path == "" || fault.Path == path || strings.HasPrefix(path, fault.Path+".") {
			return true
		}
	}
	return false
}

// pathOf makes lines.0.sku of orderRequest.lines[0].sku.
func pathOf(violation validator.FieldError) string {
	_, path, _ := strings.Cut(violation.Namespace(), ".")
	return strings.NewReplacer("[", ".", "]", "").Replace(path)
}

func fieldNamed(fields reflect.Type, name string) (reflect.StructField, bool) {
	for i := range fields.NumField() {
		if field := fields.Field(i); FieldName(field) == name {
			return field, true
		}
	}
	return reflect.StructField{}, false
}

// wholeNumber is the code of what is wrong with a number's text, if anything.
func wholeNumber(text string) string {
	_, err := strconv.ParseInt(text, 10, 64)
	switch {
	case err == nil:
		return ""
	case errors.Is(err, strconv.ErrRange):
		return "range"
	default:
		return "type"
	}
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}
