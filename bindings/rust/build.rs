// SPDX-License-Identifier: MIT
//! Finds libraft-core: in the folder that RAFT_LIB_DIR names, else with pkg-config.

use std::process::Command;

fn main() {
    println!("cargo:rerun-if-env-changed=RAFT_LIB_DIR");
    println!("cargo:rerun-if-env-changed=PKG_CONFIG_PATH");
    if let Ok(folder) = std::env::var("RAFT_LIB_DIR") {
        println!("cargo:rustc-link-search=native={folder}");
        println!("cargo:rustc-link-lib=raft-core");
        return;
    }
    let found = Command::new("pkg-config").args(["--libs", "raft-core >= 1.0.0"]).output();
    let output = match found {
        Ok(output) if output.status.success() => output,
        Ok(output) => panic!("pkg-config: {}", String::from_utf8_lossy(&output.stderr)),
        Err(error) => panic!("pkg-config: {error}; or set RAFT_LIB_DIR"),
    };
    for word in String::from_utf8_lossy(&output.stdout).split_whitespace() {
        if let Some(folder) = word.strip_prefix("-L") {
            println!("cargo:rustc-link-search=native={folder}");
        } else if let Some(name) = word.strip_prefix("-l") {
            println!("cargo:rustc-link-lib={name}");
        }
    }
}
