<?php

return [

    'upstream' => [
        'url' => env('UPSTREAM_URL') ?: null,
    ],

];
