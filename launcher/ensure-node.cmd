@"%npm_node_execpath%" "%~dp0ensure-node.cjs" %*
