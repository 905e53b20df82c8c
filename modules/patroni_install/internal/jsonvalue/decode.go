package jsonvalue

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"reflect"

	"github.com/goccy/go-json/jsontext"
)

// ErrMore reports something after the end of a JSON text.
var ErrMore = errors.New("there is something after the JSON document")

func newDecoder(text []byte) *jsontext.Decoder {
	return jsontext.NewDecoder(bytes.NewReader(text), jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))
}

// Plain returns a JSON text as map[string]any, []any, string, Number, bool or nil. Of equal names
// in an object the last one counts.
func Plain(text []byte) (any, error) {
	d := newDecoder(text)
	value, err := plain(d)
	if err != nil {
		return nil, err
	}
	return value, end(d)
}

// end wants the decoder's text to be read to its end.
func end(d *jsontext.Decoder) error {
	if _, err := d.ReadToken(); !errors.Is(err, io.EOF) {
		return ErrMore
	}
	return nil
}

func plain(d *jsontext.Decoder) (any, error) {
	token, err := d.ReadToken()
	if err != nil {
		return nil, err
	}
	switch token.Kind() {
	case '{':
		object := map[string]any{}
		err := eachMember(d, func(name string) (err error) {
			object[name], err = plain(d)
			return err
		})
		return object, err
	case '[':
		list := []any{}
		err := eachElement(d, func() error {
			value, err := plain(d)
			list = append(list, value)
			return err
		})
		return list, err
	case '"':
		return token.String(), nil
	case '0':
		return Number(token.String()), nil
	case 'n':
		return nil, nil //nolint:nilnil // JSON's null
	}
	return token.Bool(), nil
}

// eachMember calls read at the value of each member of an object that has begun.
func eachMember(d *jsontext.Decoder, read func(name string) error) error {
	for d.PeekKind() != '}' {
		name, err := d.ReadToken()
		if err != nil {
			return err
		}
		if err := read(name.String()); err != nil {
			return err
		}
	}
	_, err := d.ReadToken()
	return err
}

// eachElement calls read at each element of an array that has begun.
func eachElement(d *jsontext.Decoder, read func() error) error {
	for d.PeekKind() != ']' {
		if err := read(); err != nil {
			return err
		}
	}
	_, err := d.ReadToken()
	return err
}

// Decode fills what to points to, of the kinds that Encode takes, interfaces aside. Members of an
// object that a struct does not have are passed over.
func Decode(text []byte, to any) error {
	d := newDecoder(text)
	if err := read(d, reflect.ValueOf(to).Elem()); err != nil {
		return err
	}
	return end(d)
}

func read(d *jsontext.Decoder, to reflect.Value) error {
	if _, raw := reflect.TypeAssert[Raw](to); raw {
		value, err := d.ReadValue()
		to.SetBytes(bytes.Clone(value))
		return err
	}
	if d.PeekKind() == 'n' {
		to.SetZero()
		return d.SkipValue()
	}
	if to.Kind() == reflect.Pointer {
		to.Set(reflect.New(to.Type().Elem()))
		return read(d, to.Elem())
	}
	token, err := d.ReadToken()
	if err != nil {
		return err
	}
	switch kind := token.Kind(); {
	case kind == '{' && to.Kind() == reflect.Struct:
		return readStruct(d, to)
	case kind == '{' && to.Kind() == reflect.Map:
		return readMap(d, to)
	case kind == '[' && to.Kind() == reflect.Slice:
		return readSlice(d, to)
	}
	return readScalar(token, to)
}

func readScalar(token jsontext.Token, to reflect.Value) (err error) {
	_, isData := reflect.TypeAssert[[]byte](to)
	switch kind := token.Kind(); {
	case kind == '"' && to.Kind() == reflect.String:
		to.SetString(token.String())
	case kind == '"' && isData:
		var data []byte
		data, err = base64.StdEncoding.DecodeString(token.String())
		to.SetBytes(data)
	case (kind == 't' || kind == 'f') && to.Kind() == reflect.Bool:
		to.SetBool(token.Bool())
	case kind == '0' && to.CanInt():
		var n int64
		n, err = token.Int()
		if to.OverflowInt(n) {
			return tooLarge(token, to)
		}
		to.SetInt(n)
	case kind == '0' && to.CanUint():
		var n uint64
		n, err = token.Uint()
		if to.OverflowUint(n) {
			return tooLarge(token, to)
		}
		to.SetUint(n)
	default:
		err = fmt.Errorf("a %s stands where a %s should", kind, to.Kind())
	}
	return err
}

func tooLarge(token jsontext.Token, to reflect.Value) error {
	return fmt.Errorf("%s is too large for %s", token, to.Kind())
}

func readStruct(d *jsontext.Decoder, to reflect.Value) error {
	known := fields(to)
	return eachMember(d, func(name string) error {
		for _, f := range known {
			if f.name == name {
				return read(d, f.value)
			}
		}
		return d.SkipValue()
	})
}

func readMap(d *jsontext.Decoder, to reflect.Value) error {
	to.Set(reflect.MakeMap(to.Type()))
	return eachMember(d, func(name string) error {
		value := reflect.New(to.Type().Elem()).Elem()
		err := read(d, value)
		to.SetMapIndex(reflect.ValueOf(name).Convert(to.Type().Key()), value)
		return err
	})
}

func readSlice(d *jsontext.Decoder, to reflect.Value) error {
	to.Set(reflect.MakeSlice(to.Type(), 0, 0))
	return eachElement(d, func() error {
		value := reflect.New(to.Type().Elem()).Elem()
		err := read(d, value)
		to.Set(reflect.Append(to, value))
		return err
	})
}
