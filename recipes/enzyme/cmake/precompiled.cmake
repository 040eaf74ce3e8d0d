# Included by CMake when Enzyme's project() has been read (CMAKE_PROJECT_Enzyme_INCLUDE): its own files stay as they are.
function(holoenzyme_precompile)
  target_precompile_headers(Enzyme-${LLVM_VERSION_MAJOR} PRIVATE ${CMAKE_CURRENT_FUNCTION_LIST_DIR}/precompiled.h)
endfunction()
cmake_language(DEFER CALL holoenzyme_precompile)
