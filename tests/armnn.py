"""Runs a TensorFlow Lite model in Arm NN's reference backend. Usage: armnn.py MODEL INPUT, the file of
floats that the model reads; prints its outputs, one a line. Exit status 2 where there is no Arm NN."""
import sys

try:
    import numpy
    import pyarmnn
except ImportError as e:
    print(f"no Arm NN for Python: {e}", file=sys.stderr)
    sys.exit(2)

if len(sys.argv) == 1:  # only asked whether it is there
    sys.exit()
parser = pyarmnn.ITfLiteParser()
network = parser.CreateNetworkFromBinaryFile(sys.argv[1])
runtime = pyarmnn.IRuntime(pyarmnn.CreationOptions())
backends = [pyarmnn.BackendId("CpuRef")]
best, _ = pyarmnn.Optimize(network, backends, runtime.GetDeviceSpec(), pyarmnn.OptimizerOptions())
number, _ = runtime.LoadNetwork(best)
first = parser.GetNetworkInputBindingInfo(0, parser.GetSubgraphInputTensorNames(0)[0])
last = parser.GetNetworkOutputBindingInfo(0, parser.GetSubgraphOutputTensorNames(0)[0])
inputs = pyarmnn.make_input_tensors([first], [numpy.fromfile(sys.argv[2], numpy.float32)])
outputs = pyarmnn.make_output_tensors([last])
runtime.EnqueueWorkload(number, inputs, outputs)
for x in pyarmnn.workload_tensors_to_ndarray(outputs)[0].ravel():
    print(f"{x:.9g}")
