using Singa.Actors.Devices.Cpu.Winograd;
using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Devices.Cpu.Convolve;

internal static unsafe class ConvolveCompiler
{
    /// <exception cref="NotSupportedException">An operand is not laid out as the form says.</exception>
    public static CompiledKernel Compile(ConvolveKernel kernel, IReadOnlyList<BlockAddress> blocks, CpuContext context)
    {
        if (new[] { kernel.Image, kernel.Filter, kernel.Result }.FirstOrDefault(o => !o.IsContiguous && (kernel.Tree.IsEmpty || o != kernel.Filter)) is { } strided)
            throw new NotSupportedException($"a convolution takes contiguous tensors; one of shape {strided.Shape} has strides [{string.Join(", ", strided.Strides)}]");
        nint Address(Operand operand) => (nint)CpuKernel.Address(operand, blocks);
        if (kernel.Winograd)
            return kernel.Form == ConvolveForm.FilterGradient ? FilterGradientCompiler.Compile(kernel, context, Address) : WinogradConvolve.Compile(kernel, context.KeepsWeights ? blocks[kernel.Filter.Block].Resting : null, context, Address);
        return kernel.Form switch
        {
            ConvolveForm.Forward => (CompiledKernel?)InPlaceForward.Of(kernel, context, Address) ?? new CpuConvolveForward(kernel, context, Address),
            ConvolveForm.ImageGradient => (CompiledKernel?)InPlaceImageGradient.Compile(kernel, context, Address) ?? new CpuImageGradient(kernel, context, Address),
            _ => (CompiledKernel?)InPlaceFilterGradient.Of(kernel, context, Address) ?? new CpuFilterGradient(kernel, context, Address),
        };
    }
}
