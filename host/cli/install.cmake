# What `cmake --install` puts beside the command: manual pages and completion, all made by
# the command itself from its descriptors.
set(made ${CMAKE_CURRENT_BINARY_DIR}/installed)
file(STRINGS commands.def lines REGEX "^TACHO_COMMAND")
string(REGEX REPLACE "TACHO_COMMAND\\(([a-z]+)\\)" "\\1" commands "${lines}")
set(pages ${made}/tacho.1)
set(steps COMMAND ${CMAKE_COMMAND} -E make_directory ${made}
          COMMAND tacho help --as man > ${made}/tacho.1
          COMMAND tacho help --as bash > ${made}/tacho.bash
          COMMAND tacho help --as zsh > ${made}/_tacho)
foreach(command ${commands})
  list(APPEND pages ${made}/tacho-${command}.1)
  list(APPEND steps COMMAND tacho help --as man ${command} > ${made}/tacho-${command}.1)
endforeach()
add_custom_command(OUTPUT ${pages} ${made}/tacho.bash ${made}/_tacho ${steps}
                   DEPENDS tacho VERBATIM)
add_custom_target(tacho_pages ALL DEPENDS ${pages} ${made}/tacho.bash ${made}/_tacho)

include(GNUInstallDirs)
install(TARGETS tacho RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(FILES ${pages} DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
install(FILES ${made}/tacho.bash DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions
        RENAME tacho)
install(FILES ${made}/_tacho DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/site-functions)
