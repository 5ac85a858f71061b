using Singa.Actors.Graph.Ops;

namespace Singa.Actors.Graph.Modules;

/// <summary>A pointwise op of the catalog as a layer.</summary>
public sealed record Activation(string Function) : Module
{
    public override Tensor Forward(Tensor input, ModuleContext context) => Pointwise.Apply(Function, input);
}

/// <summary>[n, …] → [n, features].</summary>
public sealed record Flatten : Module
{
    internal override bool IsTransparent => true;

    public override Tensor Forward(Tensor input, ModuleContext context) =>
        input.Reshape(Shape.Of(input.Shape[0], input.Shape[0] == 0 ? 0 : input.Shape.Count / input.Shape[0]));
}

/// <summary>One after the other.</summary>
public sealed record Sequential(params Seq<Module> Modules) : Module
{
    public override Tensor Forward(Tensor input, ModuleContext context)
    {
        for (int i = 0; i < Modules.Count; i++)
        {
            // The layer's initialiser depends on the activation its values meet next.
            var next = Modules.Skip(i + 1).FirstOrDefault(m => !m.IsTransparent);
            bool relu = next is Activation { Function: "Relu" } || (next is null && context.BeforeRelu);
            input = Modules[i].Apply(input, context.Inside(Modules[i].Name ?? i.ToString()) with { BeforeRelu = relu });
        }

        return input;
    }
}

/// <summary>body(x) + shortcut(x); without a shortcut, + x.</summary>
public sealed record Residual(Module Body, Module? Shortcut = null) : Module
{
    public override Tensor Forward(Tensor input, ModuleContext context)
    {
        var skip = Shortcut?.Apply(input, context.Inside(Shortcut.Name ?? "shortcut")) ?? input;
        var body = Body.Apply(input, context.Inside(Body.Name ?? "body"));
        return body.Shape == skip.Shape ? body + skip : throw new GraphException($"the body gives {body.Shape} and the shortcut {skip.Shape}");
    }
}
