<?php

// The code of the contract that stands for each rule the requests use. A fault's message is its code.
return [
    'array' => 'type',
    'between' => [
        'array' => 'size',
        'numeric' => 'range',
        'string' => 'type',
    ],
    'integer' => 'type',
    'list' => 'type',
    // A field that no rule names.
    'prohibited' => 'unknown',
    'regex' => 'format',
    'required' => 'required',
    'string' => 'type',
];
