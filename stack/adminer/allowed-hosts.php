<?php
// Comes before every page; in containers as auto_prepend_file: answers by known names alone, so that no web page can let a name
// of its own point here (DNS rebinding). ALLOWED_HOSTS: further names, separated by commas; as the services have it.

(function () {
    $name = strtolower(preg_replace('/:\d*$/', '', $_SERVER['HTTP_HOST'] ?? ''));
    $names = array_map('trim', explode(',', strtolower(getenv('ALLOWED_HOSTS') ?: '')));
    if ($name !== '' && in_array($name, ['localhost', '127.0.0.1', '[::1]', ...$names], true)) return;
    http_response_code(421);
    header('Content-Type: text/plain; charset=utf-8');
    exit("This host is none that this server answers to; ALLOWED_HOSTS names those.\n");
})();
