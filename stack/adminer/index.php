<?php
// Adminer with a drop-down of the servers named in ADMINER_SERVERS, and without a look for newer versions of itself.
// ADMINER_DIRECTORY: the folder of adminer.php and its plugins.

function adminer_object() {
    $plugins = getenv('ADMINER_DIRECTORY') . '/plugins';
    foreach (['plugin', 'login-servers', 'version-noverify'] as $name) {
        include_once "$plugins/$name.php";
    }
    $servers = [];
    foreach (json_decode(getenv('ADMINER_SERVERS'), true) as $name => $address) {
        $servers[$name] = ['server' => $address, 'driver' => 'pgsql'];
    }
    return new AdminerPlugin([new AdminerLoginServers($servers), new AdminerVersionNoverify()]);
}

include getenv('ADMINER_DIRECTORY') . '/adminer.php';
