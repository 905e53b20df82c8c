// Package jsonvalue turns Go values into JSON and back, over the tokens of go-json. It knows the
// few kinds of values that this program has: go-json's own conversion of any Go value costs 1.7 MB
// in a binary that is copied to a host with every task.
package jsonvalue

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/goccy/go-json/jsontext"
)

// Raw is a JSON text that is kept as it is.
type Raw = jsontext.Value

// Number is a number as it was written.
type Number string

// String returns the number's text.
func (n Number) String() string { return string(n) }

// Encode returns the JSON of a value made of structs, maps with texts as keys, slices, pointers,
// texts, numbers, switches and Raw. Fields go by their tag, as with encoding/json; maps are sorted,
// []byte is in base64, and what is no UTF-8 is replaced.
func Encode(value any) ([]byte, error) { return encode(value, jsontext.AllowInvalidUTF8(true)) }

// EncodeExactly is Encode which fails at what is no UTF-8.
func EncodeExactly(value any) ([]byte, error) { return encode(value) }

func encode(value any, options ...jsontext.Options) ([]byte, error) {
	var text bytes.Buffer
	e := jsontext.NewEncoder(&text, append(options, jsontext.AllowDuplicateNames(true))...)
	if err := write(e, reflect.ValueOf(value)); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(text.Bytes(), []byte("\n")), nil
}

func write(e *jsontext.Encoder, v reflect.Value) error {
	if !v.IsValid() {
		return e.WriteToken(jsontext.Null)
	}
	switch known := v.Interface().(type) {
	case Raw:
		if len(known) == 0 {
			return e.WriteToken(jsontext.Null)
		}
		return e.WriteValue(known)
	case Number:
		return e.WriteValue(Raw(known))
	}
	switch v.Kind() {
	case reflect.Interface, reflect.Pointer:
		return write(e, v.Elem())
	case reflect.Struct:
		return writeStruct(e, v)
	case reflect.Map:
		return writeMap(e, v)
	case reflect.Slice:
		return writeSlice(e, v)
	}
	token, known := scalar(v)
	if !known {
		return fmt.Errorf("internal error: no JSON for a %s", v.Type())
	}
	return e.WriteToken(token)
}

func scalar(v reflect.Value) (_ jsontext.Token, known bool) {
	switch {
	case v.Kind() == reflect.String:
		return jsontext.String(v.String()), true
	case v.Kind() == reflect.Bool:
		return jsontext.Bool(v.Bool()), true
	case v.CanInt():
		return jsontext.Int(v.Int()), true
	case v.CanUint():
		return jsontext.Uint(v.Uint()), true
	}
	return jsontext.Token{}, false
}

func writeStruct(e *jsontext.Encoder, v reflect.Value) error {
	err := e.WriteToken(jsontext.BeginObject)
	for _, f := range fields(v) {
		if f.omitEmpty && f.value.IsZero() {
			continue
		}
		err = cmp.Or(err, e.WriteToken(jsontext.String(f.name)))
		if err == nil {
			err = write(e, f.value)
		}
	}
	return cmp.Or(err, e.WriteToken(jsontext.EndObject))
}

func writeMap(e *jsontext.Encoder, v reflect.Value) error {
	if v.IsNil() {
		return e.WriteToken(jsontext.Null)
	}
	keys := make([]string, 0, v.Len())
	for _, key := range v.MapKeys() {
		keys = append(keys, key.String())
	}
	slices.Sort(keys)
	err := e.WriteToken(jsontext.BeginObject)
	for _, key := range keys {
		err = cmp.Or(err, e.WriteToken(jsontext.String(key)))
		if err == nil {
			err = write(e, v.MapIndex(reflect.ValueOf(key).Convert(v.Type().Key())))
		}
	}
	return cmp.Or(err, e.WriteToken(jsontext.EndObject))
}

func writeSlice(e *jsontext.Encoder, v reflect.Value) error {
	if v.IsNil() {
		return e.WriteToken(jsontext.Null)
	}
	if data, isData := reflect.TypeAssert[[]byte](v); isData {
		return e.WriteToken(jsontext.String(base64.StdEncoding.EncodeToString(data)))
	}
	err := e.WriteToken(jsontext.BeginArray)
	for i := range v.Len() {
		err = cmp.Or(err, write(e, v.Index(i)))
	}
	return cmp.Or(err, e.WriteToken(jsontext.EndArray))
}

// field is one of a struct that has a name in JSON.
type field struct {
	name      string
	omitEmpty bool
	value     reflect.Value
}

// fields lists those of a struct, and those of structs embedded in it.
func fields(v reflect.Value) []field {
	var found []field
	for i := range v.NumField() {
		about := v.Type().Field(i)
		name, options, _ := strings.Cut(about.Tag.Get("json"), ",")
		switch {
		case about.Anonymous && name == "":
			found = append(found, fields(v.Field(i))...)
		case about.IsExported() && name != "-":
			found = append(found, field{cmp.Or(name, about.Name), options == "omitempty", v.Field(i)})
		}
	}
	return found
}
