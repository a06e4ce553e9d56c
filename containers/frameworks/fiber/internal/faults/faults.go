package faults

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"reflect"
	"strconv"
	"strings"
)

// Fault is a broken rule. Its path is the value's, with positions from 0, such as lines.0.sku.
type Fault struct {
	Path string `json:"path"`
	Code string `json:"code"`
}

// DecodeJSON is encoding/json that refuses fields which the struct does not have.
func DecodeJSON(body []byte, request any) error {
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(request); err != nil {
		return err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something follows the JSON value")
	}
	return nil
}

// InBody names the faults of a body that could not be bound to the request. There are none where it is not JSON at all.
func (v *Validator) InBody(body []byte, request any) []Fault {
	if !json.Valid(body) {
		return nil
	}
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	var document any
	if err := decoder.Decode(&document); err != nil {
		return nil
	}
	var shape list
	shape.compare(document, reflect.TypeOf(request), "")
	return v.violations(request, shape)
}

// InQuery names the faults of a query string that could not be bound to the request, which consists of whole numbers.
func (v *Validator) InQuery(query func(name string, otherwise ...string) string, request any) []Fault {
	var shape list
	fields := reflect.TypeOf(request).Elem()
	for i := range fields.NumField() {
		name := fieldName(fields.Field(i))
		if text := query(name); text != "" {
			if code := wholeNumber(text); code != "" {
				shape.add(name, code)
			}
		}
	}
	return v.violations(request, shape)
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

// covers says whether there is a fault of the value at the path or of one that it is part of.
func (l list) covers(path string) bool {
	for _, fault := range l {
		if fault.Path == "" || fault.Path == path || strings.HasPrefix(path, fault.Path+".") {
			return true
		}
	}
	return false
}

func fieldNamed(fields reflect.Type, name string) (reflect.StructField, bool) {
	for i := range fields.NumField() {
		if field := fields.Field(i); fieldName(field) == name {
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
