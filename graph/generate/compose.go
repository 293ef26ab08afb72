package main

const composedFile = "modules/resolvers_gen.go"
